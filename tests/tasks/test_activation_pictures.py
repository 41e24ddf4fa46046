"""`dancepose-predict activation=true`: a picture of the pose network, and one of each person."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dancepose.build import build
from dancepose.errors import ConfigError
from dancepose.image_files import read_image
from dancepose.inference.actions import ActionPredictor
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.interface import Item
from dancepose.inference.onnx_run import OnnxActionNetwork
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import PosePredictor
from dancepose.inference.sources import find_pictures
from dancepose.tasks.activation_pictures import ActivationWriter
from dancepose.tasks.output_paths import OutputPaths
from dancepose.tasks.prediction import predict_pictures
from dancepose.tasks.prediction_outputs import Outputs


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    node = {
        "network": "pose",
        "width": 4,
        "depth": "small",
        "codec": {"detection_threshold": 0.0, "max_people": 2},
    }
    model = build({"model": node | {"attention": {"order": "cbam1"}}, "skeleton": "mpii15", "seed": 0})
    motion = {"network": "motion", "branches": ["image"], "depth": 18, "width": 4}
    classifier = build({"model": motion, "skeleton": "common13", "seed": 0, "classes": ["a", "b"]})
    pose = PosePredictor(model, TestGeometry(64, "long", 64), device="cpu")
    return Pipeline(pose, ActionPredictor(classifier, model.skeleton, "cpu"), batch_size=1)


def test_a_picture_of_the_pose_network_and_one_of_each_person(pipeline, tmp_path):
    (tmp_path / "photos").mkdir()
    names = [f"{number}.png" for number in range(3)]
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).integers(
            0, 256, (80, 80, 3), dtype=np.uint8
        )  # nobody in its padding
        cv2.imwrite(str(tmp_path / "photos" / name), noise)
    asked = pipeline.action.model.network
    hooks: list[int] = []

    def look(network, *_):
        if network is asked:  # a copy has this hook, too
            hooks.append(sum(len(module._forward_hooks) for module in network.modules()))

    handle = asked.register_forward_hook(look)
    found = find_pictures(tmp_path / "photos")
    tally = predict_pictures(pipeline, found, tmp_path, Outputs(draw=False, activation=True))
    handle.remove()
    assert len(hooks) == 3, "the network that the pipeline asks in its own thread is asked by nobody else"
    assert set(hooks) == {1}, "and nobody records in it"
    written = sorted(path.name for path in (tmp_path / "activation").iterdir())
    assert {f"{name}.jpg" for name in names} < set(written) and tally.people > 3
    assert len(written) == 3 + sum(tally.actions.values())
    assert read_image(tmp_path / "activation" / "0.png.jpg").shape[1] > 240


def test_no_persons_picture_has_the_name_of_another_picture(tmp_path):
    paths = OutputPaths(tmp_path)
    paths.check(
        [Item(None, name) for name in ("b.jpg", "b_person_0.jpg", "b_person_0_2.jpg")], ["activation"], False
    )
    found = [paths.person("activation", "b.jpg", number).name for number in (0, 1)]
    assert found == ["b_person_0_3.jpg", "b_person_1.jpg"]
    assert paths.person("activation", "b_person_0.jpg", 0).name == "b_person_0_person_0.jpg"


def test_a_classifier_that_nobody_can_look_into_is_refused_at_once(pipeline, tmp_path):
    class Session:
        def get_inputs(self):
            return [SimpleNamespace(name="image")]

    model = replace(pipeline.action.model, network=OnnxActionNetwork(Session()))
    other = Pipeline(pipeline.pose, ActionPredictor(model, pipeline.skeleton, "cpu"))
    assert other.action.looks
    with pytest.raises(ConfigError, match=r"activation=true needs a classifier of PyTorch"):
        ActivationWriter(other, OutputPaths(tmp_path))


def test_a_network_that_nobody_can_look_into_is_refused(tmp_path):
    class Graph:
        skeleton = geometry = None

    with pytest.raises(ConfigError, match=r"activation=true needs a network of PyTorch"):
        ActivationWriter(Pipeline(Graph()), OutputPaths(tmp_path))
