from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from fake_clock import FakeClock
from torch import nn

from dancepose.benchmarks import motion
from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.benchmarks.motion import BATCHES, PEOPLE, _crops, time_motion, time_people
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.skeleton import load_skeleton

SMALL = {"network": "motion", "branches": ["keypoints", "image"], "depth": 18, "width": 4}


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("dancepose.benchmarks.motion.SIDE", 64)


@pytest.fixture
def clock(monkeypatch, two_threads):
    """Cutting a person out takes 2 ms, poses 4 and their decoding 10, a motion network 5 and 1 a person."""
    clock = FakeClock()
    monkeypatch.setattr("dancepose.benchmarks.timing.time", clock)
    monkeypatch.setattr(motion, "cut_people", clock.slowed(motion.cut_people, lambda crops: 2 * len(crops)))
    decode = clock.slowed(AssociativeEmbedding.decode, 10)
    monkeypatch.setattr(AssociativeEmbedding, "decode", decode)
    build = motion.build

    class Known(nn.Module):
        def __init__(self, real):
            super().__init__()
            self.inputs = getattr(real, "inputs", ())

        def forward(self, *images, **inputs):
            clock.spend(4 if images else 5 + len(next(iter(inputs.values()))))
            return torch.zeros(1, 6)

    def known(config):
        model = build(config)
        return replace(model, network=Known(model.network))

    monkeypatch.setattr(motion, "build", known)
    return clock


def test_people_a_second_of_the_networks_and_of_what_cuts_them_out(clock):
    rows = {row.name: row for row in time_motion({"small": SMALL}, rounds=2)}
    assert list(rows) == [f"{name}, batch {b}" for name in ("small", "cutting the crops") for b in BATCHES]
    persons = {name: row.figures["persons/s"] for name, row in rows.items()}
    assert persons == {
        "small, batch 1": pytest.approx(1000 / 6),
        "small, batch 32": pytest.approx(32_000 / 37),
        "cutting the crops, batch 1": pytest.approx(500),
        "cutting the crops, batch 32": pytest.approx(500),
    }
    assert clock.threads == {(1, 1)}, "of PyTorch and OpenCV, while the time is taken"
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (2, 2)
    assert {row.figures["threads"] for row in rows.values()} == {1}
    small, crops = rows["small, batch 32"].figures, rows["cutting the crops, batch 32"].figures
    assert "32x3x64x64" in small["shape"] and (small["width"], small["depth"]) == (4, 18)
    assert crops["shape"] == "640x480 to 32x3x64x64" and "width" not in crops


def test_without_pictures_nobody_is_cut_out(clock):
    rows = time_motion({"points": {**SMALL, "branches": ["keypoints"]}}, rounds=1)
    assert [row.name for row in rows] == [f"points, batch {b}" for b in BATCHES]
    assert rows[1].figures["shape"].startswith("32x") and "width" not in rows[1].figures


def test_what_more_people_cost(clock):
    pose = {"model": {"width": 4}, "skeleton": "mpii15", "seed": 0}
    rows = {row.name: row for row in time_people(pose, SMALL, 64, rounds=2)}
    assert list(rows) == [f"{count} people, {part}" for count in PEOPLE for part in ("poses", "motion")]
    assert [rows[f"{n} people, poses"].figures["time / that of 1"] for n in PEOPLE] == [1, 1, 1]
    motions = [rows[f"{n} people, motion"] for n in PEOPLE]
    assert [row.median for row in motions] == pytest.approx([2 + 6, 8 + 9, 16 + 13])
    assert [row.figures["time / that of 1"] for row in motions] == pytest.approx([1, 17 / 8, 29 / 8])
    assert clock.threads == {(1, 1)}
    assert rows["4 people, poses"].figures["shape"] == "1x3x64x64"
    assert "4x3x64x64" in rows["4 people, motion"].figures["shape"]


def test_the_decoding_has_something_to_fill_in():
    """Or its dearest part, which grows with the people, would not be timed."""
    skeleton = load_skeleton("mpii15")
    frame = made_up_frame(skeleton, (256, 256), 4, seed=4, hidden=1 / 3)
    assert [int(person.present.sum()) for person in frame.people] == [10] * 4
    codec = AssociativeEmbedding(skeleton)
    found = codec.decode(made_up_maps(codec, frame, seed=4))[0]
    assert len(found) == 4 and sum(int(person.present.sum()) for person in found) > 4 * 10


def test_everybody_is_cut_out():
    frame = made_up_frame(load_skeleton("mpii15"), (100, 100), 3, seed=1)
    picture = np.full((100, 100, 3), 200, np.uint8)
    crops = _crops(picture, frame)
    assert crops.shape == (3, 3, 64, 64) and (crops == 200).float().mean() > 0.5
