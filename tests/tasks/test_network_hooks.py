"""A network that is fitted, rejects and keeps a score goes through every command, none of which knows it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import TINY_MOTION, make_actions
from running import run_task
from torch import Tensor, nn

import dancepose
from dancepose import build, motion_model
from dancepose.build import load_checkpoint
from dancepose.errors import ConfigError
from dancepose.evaluate import evaluate
from dancepose.export import export
from dancepose.inference.actions import NONE_OF_THEM, ActionPredictor, ActionSample
from dancepose.motion_keys import FusionConfig
from dancepose.networks.action import ActionNetwork
from dancepose.skeleton import load_skeleton
from dancepose.train import train


class Nearest(ActionNetwork):
    """The nearer the class's mean, the likelier the class; who is far from all of them is rejected."""

    inputs = ("features",)
    rejects = True
    keeps_score = True

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.shift = nn.Linear(width, classes)
        self.register_buffer("means", torch.zeros(classes, width))
        self.register_buffer("limit", torch.zeros(()))

    @property
    def unfitted(self) -> bool:
        return not bool(self.limit)

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        samples = torch.from_numpy(features)
        classes = range(len(self.means))
        self.means.copy_(torch.stack([samples[torch.from_numpy(labels == c)].mean(0) for c in classes]))
        self.limit.copy_(self._distances(samples).amin(1).median())

    def _distances(self, features: Tensor) -> Tensor:
        return (features[:, None] - self.means).square().mean(2)

    def forward(self, features: Tensor) -> Tensor:
        return self.shift(features) - self._distances(features)

    def rejected(self, features: Tensor) -> Tensor:
        return self._distances(features).amin(1) > self.limit


@dataclass(frozen=True)
class NearestConfig(FusionConfig):
    network: str = "motion_nearest"

    def make(self, skeleton, classes):
        return Nearest(self.keypoint_features(skeleton).dimension, classes)


@pytest.fixture(autouse=True)
def added(monkeypatch):
    """What CONTRIBUTING asks for: a class, a dataclass, one line in `MOTION`."""
    monkeypatch.setitem(motion_model.MOTION, "motion_nearest", NearestConfig)
    monkeypatch.setitem(build.FAMILIES, "motion_nearest", build.FAMILIES["motion"])


def test_it_is_trained_tested_asked_and_exported(tmp_path, monkeypatch):
    (tmp_path / "actions").mkdir()
    frames = make_actions(tmp_path / "actions", clips=24)
    seen = []
    fit = Nearest.fit
    monkeypatch.setattr(
        Nearest, "fit", lambda self, **all: (seen.append(len(all["labels"])), fit(self, **all))
    )
    run = tmp_path / "run"
    keys = [key for key in TINY_MOTION if not key.startswith("model.")]
    keys += ["model=motion_keypoints", "model.network=motion_nearest", f"data.root={tmp_path / 'actions'}"]
    run_task(train, "train", run, *keys, "logger=none")
    (samples,) = seen
    assert samples >= 4
    measured = json.loads((run / "metrics.json").read_text())["metrics"]
    assert 0 < measured["val/rejected"] < 1

    run_task(evaluate, "evaluate", tmp_path / "again", f"run={run}", "which=last")
    trained, again = (json.loads((folder / "test.json").read_text()) for folder in (run, tmp_path / "again"))
    assert 0 < again["rejected"] == trained["rejected"] < 1
    assert len(seen) == 1, "a checkpoint holds what was fitted"

    model = load_checkpoint(run / "checkpoints" / "last.ckpt")
    predictor = ActionPredictor(model, load_skeleton("openpose18"), "cpu")
    people = [(person, frame.size) for frame in frames for person in frame.people]
    told = predictor([ActionSample([person], size) for person, size in people])
    assert predictor.scored and set(told.reason) == {NONE_OF_THEM, None}

    file = tmp_path / "a.safetensors"
    run_task(export, "export", tmp_path / "export", f"run={run}", "which=last", f"file={file}")
    assert torch.equal(load_checkpoint(file).network.means, model.network.means)
    with pytest.raises(ConfigError, match="motion_nearest also decides which samples are none"):
        run_task(export, "export", tmp_path, f"run={run}", "which=last", "format=onnx")


def test_only_its_configuration_knows_a_network_with_such_hooks():
    package = Path(dancepose.__file__).parent
    naming = [p.name for p in package.rglob("*.py") if "dancepose.networks.qes" in p.read_text()]
    assert naming == ["baselines.py"]
