"""Named arrays on disk."""

import numpy as np
import pytest

from dancepose.errors import DataError
from dancepose.metrics.array_file import read_arrays, write_arrays


def test_what_is_wrong_with_a_file_is_told(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match=r"a\.npz cannot be read: No such file"):
        read_arrays(path, ["x"], "samples", "motion")
    write_arrays(path, {"x": np.arange(3)})
    assert read_arrays(path, ["x"], "samples", "motion")["x"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="array .*y.* is missing: no samples of a motion run"):
        read_arrays(path, ["x", "y"], "samples", "motion")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="no whole file of samples .*write it again: dancepose-evaluate run="):
        read_arrays(path, ["x"], "samples", "motion")


def test_no_damage_is_a_traceback(tmp_path):
    """zipfile, zlib and numpy raise what they like, by the place of the wrong byte."""
    path, draw = tmp_path / "a.npz", np.random.default_rng(0)
    write_arrays(path, {"x": draw.integers(0, 9, 400), "y": np.array(["a", "bc"])})
    sound, refused = path.read_bytes(), 0
    for _ in range(600):
        content = bytearray(sound)
        for place in draw.integers(0, len(content), draw.integers(1, 8)):
            content[place] = draw.integers(256)
        path.write_bytes(content)
        try:
            read_arrays(path, ["x", "y"], "samples", "motion")
        except DataError:
            refused += 1
    assert refused > 400


def test_objects_that_would_run_code_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="no whole file of images"):
        read_arrays(tmp_path / "a.npz", ["x"], "images", "pose")
