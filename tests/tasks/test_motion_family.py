"""What a training of motions says of its data before it begins, and the clips that its experiments learn."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from dancepose.data.motion_samples import MotionSample, window_samples
from dancepose.paths import config_dir
from dancepose.records import Frame, Person
from dancepose.tasks.motion_family import MotionFamily


def clip(name: str, length: int) -> list[Frame]:
    known = np.full((3, 3), 2.0)
    return [
        Frame(Path(name), (8, 8), [Person(known, action="wave")], "x", f"{name}/{i}", clip=name)
        for i in range(length)
    ]


def windows(window: int, *lengths: int) -> list[MotionSample]:
    frames = [frame for i, length in enumerate(lengths) for frame in clip(f"c{i}", length)]
    return window_samples(frames, ["walk", "wave"], window, window)


def warnings(samples: list[MotionSample], frames: int | None, pose_run: str | None = None) -> list[str]:
    data = SimpleNamespace(samples=lambda part: samples, pose_run=pose_run)
    data.encoder = SimpleNamespace(inputs=("sequence",), frames=frames)
    return MotionFamily().warnings(data)


def test_windows_that_repeat_their_last_picture_for_most_of_their_length_are_told():
    (told,) = warnings(windows(32, 8, 8, 40, 15, 17), 32)
    assert "3 of 5 training windows" in told and "model.frames=32" in told
    assert told.endswith("or model.frames=8")
    (told,) = warnings(windows(16, 2), 16)
    assert told.endswith("model.frames=4"), "the network takes no fewer"
    assert warnings(windows(16, 8, 9, 16), 16) == []


@pytest.mark.parametrize(
    ("pose_run", "picture", "why"),
    [
        (None, True, "data.pose_run=<run directory> has a pose network find them"),
        ("runs/a", True, "the network of data.pose_run=runs/a found nobody in their pictures"),
        (None, False, "the data give none, and no pictures in which a pose network could find them"),
    ],
)
def test_samples_without_keypoints_are_told_with_what_can_be_done(pose_run, picture, why):
    samples = windows(4, 4, 4, 4)
    for frame, person in samples[1].steps:
        person.keypoints = np.zeros((3, 3))
        frame.image = frame.image if picture else None
    (told,) = warnings(samples, 4, pose_run)
    assert told == f"1 of 3 training samples have no keypoints: their features are empty ({why})"


def test_a_window_knows_how_many_pictures_it_has():
    assert [sample.pictures for sample in windows(8, 3, 8, 1, 20)] == [3, 8, 1, 8, 8, 8]


@pytest.mark.parametrize("experiment", ["motion_1d", "motion_paper"])
def test_drawn_clips_are_as_long_as_the_windows_that_are_cut_from_them(experiment):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[f"experiment={experiment}", "name=x"])
    assert cfg.data.scenes.frames >= cfg.model.get("frames", 1)
    assert cfg.optimizer.lr == 0.001, "the rate that the paper prints"


# of both papers' recipes: the motion paper, section 4.1, and spec/motion-classifier.md
PRINTED = {
    "optimizer.lr": 0.001,
    "optimizer.momentum": 0.9,
    "optimizer.weight_decay": 0,
    "trainer.max_epochs": 30,
    "data.batch_size": 64,
    "data.holdout": 0.1,
    "data.augmentation.rotation": 15,
    "data.augmentation.flip": 0.5,
    "callbacks.ema.decay": 0,
    "model.dropout": 0.5,
}


@pytest.mark.parametrize(
    ("experiment", "more"),
    [
        (
            "motion_paper",
            {
                "model.depth": 50,
                "model.attention.order": "cbam1",
                "model.attention_placement": "final",
                "data.size": 224,
                "data.resize": 256,
            },
        ),
        ("motion_1d", {"model.channels": [64, 128, 256]}),
    ],
)
def test_training_is_as_printed(experiment, more):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[f"experiment={experiment}", "name=x"], return_hydra_config=True)
    chosen = cfg.hydra.runtime.choices
    assert chosen["optimizer"] == "sgd" and chosen["scheduler"] == "paper_tenths"
    for key, value in (PRINTED | more).items():
        assert OmegaConf.select(cfg, key) == value, key
