"""A pipeline's classifier says of a person what the evaluation of its training says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import make_actions, stick_person

from dancepose.build import build
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import frame_samples, window_samples
from dancepose.data.person_crop import PersonTransform
from dancepose.data.transforms import Augmentation
from dancepose.image_files import read_image
from dancepose.inference.actions import NOT_FINITE, ActionPredictor, ActionSample
from dancepose.keypoint_map import KeypointMap
from dancepose.records import Frame, Person, mapped_extent
from dancepose.skeleton import load_skeleton

CLASSES = ("wave", "walk", "other")
SOURCE = load_skeleton("openpose18")  # of the people that are found


def as_read(person: Person, to: KeypointMap) -> Person:
    """Return a person as a reader gives it, in the keypoints of a run's skeleton."""
    keypoints = to.apply(person.keypoints)
    return replace(person, keypoints=keypoints, extent=mapped_extent(person.keypoints, keypoints))


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("actions")
    made = make_actions(root, clips=2, length=6)
    for frame in made:
        frame.image = root / frame.name
        frame.people = [replace(person, box=None) for person in frame.people]  # none is known of found people
    return made


def test_a_network_that_has_diverged_gives_no_action(frames):
    network = {"network": "motion", "branches": ["keypoints"]}
    config = {"model": network, "skeleton": "common13", "classes": list(CLASSES), "seed": 0}
    predictor = ActionPredictor(build(config), SOURCE, "cpu")
    with torch.no_grad():
        next(predictor.model.network.parameters()).fill_(torch.nan)
    people = frames[0].people[:1]
    told = predictor([ActionSample(people, frames[0].size)])
    assert told.reason == (NOT_FINITE,) and not told.probabilities.any()
    (person,) = told.given_to(people)
    assert person.action is None and person.probabilities is None, "files hold numbers alone"


@pytest.mark.parametrize(
    "network",
    [
        {"network": "motion", "depth": 18, "width": 4},
        {"network": "motion", "branches": ["keypoints"]},
        {"network": "motion", "branches": ["image"], "depth": 18, "width": 4},
        {"network": "motion_1d", "frames": 4},
    ],
    ids=lambda keys: "-".join([keys["network"], *keys.get("branches", [])]),
)
@pytest.mark.parametrize("skeleton", ["openpose18", "common13"])
def test_the_dataset_and_the_pipeline_agree(frames, network, skeleton):
    test = {"size": 32, "resize": 36, "margin": 0.2}
    config = {"model": network, "skeleton": skeleton, "classes": list(CLASSES), "seed": 0, "test": test}
    predictor = ActionPredictor(build(config), SOURCE, "cpu")
    model, images = predictor.model, predictor.looks
    length = predictor.frames or 1
    cut = (frame_samples, ()) if predictor.frames is None else (window_samples, (length, 1))
    # as a training maps them: the people of its data, to the classifier's skeleton
    to = SOURCE.map_to(model.skeleton)
    mapped = [replace(f, people=[as_read(p, to) for p in f.people]) for f in frames]
    transform = PersonTransform(32, 36, Augmentation(), model.skeleton.flip_index)
    samples = cut[0](mapped, CLASSES, *cut[1])
    data = MotionDataset(samples, model.encoder, images, transform, margin=0.2, seed=0)
    batch = data.collate([data[i] for i in range(len(data))])
    with torch.inference_mode():
        wanted = model.network(**{name: batch[name] for name in model.network.inputs}).softmax(1).numpy()

    asked = [
        ActionSample(
            [person for _, person in sample.steps],
            sample.middle[0].size,
            read_image(sample.middle[0].image) if images else None,
        )
        for sample in cut[0](frames, CLASSES, *cut[1])
    ]
    assert len(asked) == len(wanted) > 4 and wanted.std(axis=0).max() > 1e-6, "people differ"
    np.testing.assert_allclose(predictor(asked).probabilities, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("source", ["coco17", "mpii15"])
def test_the_neck_is_the_same_in_training_and_prediction(source):
    """Neither has one; a reader leaves it out, a prediction derives it, a baseline reads all keypoints."""
    labelled, random = load_skeleton(source), np.random.default_rng(0)
    people = [Person(stick_person(labelled, 10, 5, 80, random), action="wave") for _ in range(3)]
    config = {"model": {"network": "motion_str", "keypoints": "all"}, "skeleton": "openpose18"}
    predictor = ActionPredictor(build({**config, "classes": list(CLASSES), "seed": 0}), labelled, "cpu")
    model = predictor.model
    read = labelled.map_to(model.skeleton)
    mapped = [as_read(person, read) for person in people]
    frame = Frame(None, (96, 96), mapped, "openpose18", "a")
    transform = PersonTransform(224, 256, Augmentation(), model.skeleton.flip_index)
    data = MotionDataset(
        frame_samples([frame], CLASSES), model.encoder, False, transform, margin=0.15, seed=0
    )
    batch = data.collate([data[i] for i in range(len(data))])
    with torch.inference_mode():
        wanted = model.network.eval()(skeleton_image=batch["skeleton_image"]).softmax(1).numpy()
    told = predictor([ActionSample([person], frame.size) for person in people])
    np.testing.assert_allclose(told.probabilities, wanted, rtol=1e-4, atol=1e-6)
