import pytest
import torch

from dancepose.benchmarks.motion import BATCHES, PEOPLE, time_motion, time_people

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
