"""Named arrays on disk."""

import io
import zipfile

import numpy as np
import pytest

from dancepose.errors import DanceposeError, DataError
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


def test_too_little_memory_is_no_damage(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3)})

    def exhausted(*args, **kwargs):
        raise MemoryError("Unable to allocate 3 GiB")

    monkeypatch.setattr(np, "load", exhausted)
    with pytest.raises(DanceposeError, match=r"memory does not suffice to read .*a\.npz") as caught:
        read_arrays(path, ["x"], "samples", "motion")
    assert not isinstance(caught.value, DataError) and "write it again" not in str(caught.value)


def test_a_file_that_claims_more_than_it_holds_is_damaged(tmp_path):
    path, header = tmp_path / "a.npz", io.BytesIO()
    claim = {"shape": (10**15,), "fortran_order": False, "descr": "<f8"}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", header.getvalue() + b"1" * 80)
    with pytest.raises(DataError, match="no whole file of samples .*write it again"):
        read_arrays(path, ["x"], "samples", "motion")


def test_objects_that_would_run_code_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="no whole file of images"):
        read_arrays(tmp_path / "a.npz", ["x"], "images", "pose")
