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


def test_objects_that_would_run_code_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="no whole file of images"):
        read_arrays(tmp_path / "a.npz", ["x"], "images", "pose")
