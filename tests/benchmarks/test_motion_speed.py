import numpy as np
import pytest
import torch

from dancepose.benchmarks.made_up import made_up_frame, made_up_maps
from dancepose.benchmarks.motion import BATCHES, PEOPLE, _crops, time_motion, time_people
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.skeleton import load_skeleton

SMALL = {"network": "motion", "branches": ["keypoints", "image"], "depth": 18, "width": 4}


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr("dancepose.benchmarks.motion.SIDE", 64)


def test_people_a_second():
    before = torch.get_num_threads()
    rows = time_motion({"small": SMALL, "keypoints": {**SMALL, "branches": ["keypoints"]}}, rounds=1)
    assert [row.name for row in rows] == [f"{n}, batch {b}" for n in ("small", "keypoints") for b in BATCHES]
    for row, batch in zip(rows, BATCHES * 2, strict=True):
        assert row.figures["persons/s"] == batch / row.median * 1e3
    assert torch.get_num_threads() == before


def test_what_more_people_cost():
    pose = {"model": {"width": 4}, "skeleton": "mpii15", "seed": 0}
    rows = time_people(pose, SMALL, 64, rounds=1)
    assert len(rows) == 2 * len(PEOPLE) and rows[0].figures["time / that of 1"] == 1
    assert {row.name.rpartition(", ")[2] for row in rows} == {"poses", "motion"}


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
