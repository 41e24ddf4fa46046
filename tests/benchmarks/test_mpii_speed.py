"""The large file that the reading is timed on is what it says."""

import pytest

from dancepose.benchmarks import mpii
from dancepose.data.readers.mpii import FILE, GROUPS_FILE, read_mpii
from dancepose.data.readers.mpii_parser import parse_release
from dancepose.skeleton import load_skeleton


def test_blocks_are_repeated_under_other_names(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    assert mpii.write_large(tmp_path / "mpii", 16, 5) == 15
    found = read_mpii(tmp_path / "mpii" / FILE, load_skeleton("mpii15"), tmp_path / "mpii")
    assert [frame.name for frame in found.frames] == [f"{i:09d}.jpg" for i in range(15)]
    assert [len(frame.people) for frame in found.frames] == [1, 1, 2, 2, 2] * 3
    assert [len(frame.groups) for frame in found.frames] == [0, 0, 1, 1, 1] * 3
    assert not found.problems.without("outside the image")
    release = parse_release(tmp_path / "mpii" / FILE, tmp_path / "mpii" / GROUPS_FILE)
    assert release.single.sum() == 6 and set(release.names.tolist()) == {frame.name for frame in found.frames}
    assert (tmp_path / "mpii" / FILE).read_bytes()[128] == 15  # compressed


@pytest.mark.slow
def test_both_readings_are_timed(monkeypatch):
    monkeypatch.setattr(mpii, "BLOCK", 5)
    first, second = mpii.time_mpii(5, 2)
    assert len(first.milliseconds) == 1 and len(second.milliseconds) == 2
    assert first.figures["images"] == 5 and first.figures["people"] == 8
    assert 0 < first.figures["before, GB"] <= first.figures["memory of the process, GB"]
