"""Runs that are paired by seed are truly paired: what attentions share starts equal, and so do the data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from factories import make_actions
from running import SMALL, run_task
from torch import Tensor

from dancepose.tasks.motion import MotionTask
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

ATTENTIONS = ("none", "cbam0", "cbam1", "cbam2")
BATCHES = 2  # of the first epoch that are looked at
POSE = [*SMALL, "model=higherhrnet", "callbacks=none"]
MOTION = [
    "experiment=motion_paper",
    "data=action",
    "model.branches=[image]",
    "model.depth=18",
    "model.width=8",
]
MOTION += ["data.size=32", "data.resize=36", "data.batch_size=4", "data.workers=0", "trainer=cpu"]
MOTION += ["callbacks=none"]


@pytest.fixture(scope="module")
def roots(labelme: Path, tmp_path_factory) -> dict[str, Path]:
    actions = tmp_path_factory.mktemp("actions")
    make_actions(actions, clips=12, length=2)
    return {"pose": labelme, "motion": actions}


def tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a batch by their path."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from tensors(part, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from tensors(part, f"{name}.{number}")


def first_steps(family: str, root: Path, run: Path, *overrides: str):
    """Return the weights before step 1, and all tensors of the first batches, of a training."""
    weights: dict[str, Tensor] = {}
    batches: list[dict[str, Tensor]] = []

    def look(task, batch, _):
        if not batches:
            weights.update({name: value.clone() for name, value in task.network.state_dict().items()})
        batches.append({name: value.clone() for name, value in tensors(batch)})
        if len(batches) == BATCHES:
            raise KeyboardInterrupt
        return original(task, batch, _)

    kind = {"pose": PoseTask, "motion": MotionTask}[family]
    original = kind.training_step
    settings = {"pose": POSE, "motion": MOTION}[family]
    more = ["data.val=none", "data.test=none", "logger=none", f"data.root={root}", *overrides]
    with mock.patch.object(kind, "training_step", look), pytest.raises((SystemExit, KeyboardInterrupt)):
        run_task(train, "train", run, *settings, *more)
    assert len(batches) == BATCHES
    return weights, batches


@pytest.mark.parametrize("family", ["pose", pytest.param("motion", marks=pytest.mark.slow)])
def test_all_attentions_start_from_equal_weights_and_see_equal_batches(family, roots, tmp_path):
    found = {}
    for attention in ATTENTIONS:
        more = f"model/attention={attention}", "seed=3"
        found[attention] = first_steps(family, roots[family], tmp_path / attention, *more)
    base, batches = found["none"]
    for attention in ATTENTIONS[1:]:
        weights, seen = found[attention]
        own = weights.keys() - base.keys()
        assert base.keys() < weights.keys() and all("attention" in name for name in own)
        assert all(torch.equal(weights[name], value) for name, value in base.items())
        for wanted, batch in zip(batches, seen, strict=True):
            assert wanted.keys() == batch.keys() and ".image" in wanted
            assert all(torch.equal(batch[name], value) for name, value in wanted.items()), attention
    assert not torch.equal(batches[0][".image"], batches[1][".image"]), "the pictures differ"
