"""Pickles of strangers: plain data are read, nothing is executed, whatever the file says."""

import collections
import functools
import os
import pickle
import pickletools
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from dancepose.data.readers.safe_pickle import load_pickle, plain
from dancepose.errors import DataError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def load(tmp_path):
    def write_and_load(content: bytes):
        path = tmp_path / "mine.pkl"
        path.write_bytes(content)
        return load_pickle(path, "data.annotations")

    return write_and_load


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_data_come_back(load, protocol):
    content = {
        "split": collections.OrderedDict(a=["x", "é"], b=("y",)),
        "numbers": [1, -2.5, True, None, 2**70, b"bytes", {1, 2}],
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
        "big": np.arange(3, dtype=">f8"),
        "text": np.array(["ab", "c"]),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 17, 2), np.float16),
        "scalar": np.int64(7),
        "objects": np.array([1, "a"], object),
    }
    found = load(pickle.dumps(content, protocol))
    assert found["split"] == {"a": ["x", "é"], "b": ("y",)} and found["numbers"] == content["numbers"]
    for name in ("array", "turned", "big", "text", "flags", "empty"):
        array = plain(found[name])
        assert array.shape == content[name].shape and array.dtype == content[name].dtype
        np.testing.assert_array_equal(array, content[name])
    assert found["scalar"] == 7 and type(found["scalar"]) is int
    assert plain(found["objects"]) == [1, "a"] and plain("as it is") == "as it is"


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


EVIL = {
    "os.system": (os.system, "touch {}"),
    "builtins.eval": (eval, "open({!r}, 'w')"),
    "builtins.exec": (exec, "open({!r}, 'w')"),
    "builtins.open": (open, "{}", "w"),
    "builtins.getattr": (getattr, "{}", "upper"),
    "subprocess.check_output": (subprocess.check_output, ["touch", "{}"]),
    "functools.partial": (functools.partial, os.system, "touch {}"),
    "numpy.load": (np.load, "{}"),
    "numpy.fromfile": (np.fromfile, "{}"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", EVIL)
def test_a_malicious_pickle_is_refused_by_name_and_not_executed(load, tmp_path, name, protocol):
    mark = tmp_path / "owned"
    function, *arguments = EVIL[name]
    filled = [a.format(str(mark)) if isinstance(a, str) else a for a in arguments]
    filled = [[x.format(str(mark)) for x in a] if isinstance(a, list) else a for a in filled]
    content = pickle.dumps({"annotations": [Call(function, *filled)]}, protocol)
    called = name
    for module, other in {"os": "(posix|nt)", "subprocess": "(subprocess|commands)"}.items():
        called = called.replace(f"{module}.", f"{other}.")  # as old protocols call it
    called = called.replace("builtins", "(builtins|__builtin__|io)")
    words = rf"data\.annotations=.*mine\.pkl is refused: it names {called}.*nothing of it was executed"
    with pytest.raises(DataError, match=words.replace("numpy.fromfile", "numpy.*fromfile")):
        load(content)
    assert not mark.exists()


def test_the_malicious_pickle_would_have_worked(tmp_path):
    """Else the test above could not fail."""
    content = pickle.dumps(Call(*EVIL["builtins.open"][:1], str(tmp_path / "owned"), "w"))
    pickle.loads(content).close()
    assert (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (b"cnumpy\nndarray\n)R.", "refused"),  # called
        (b"cnumpy\ndtype\n}S'_make'\ncnumpy\nndarray\nsb.", "refused: it changes a function"),
        (b"cnumpy\ndtype\n(S'O8'\ntR(I3\nS'|'\ntb.", None),  # a type alone is nothing
        (b"cnumpy\ndtype\n(S'V8'\ntR.", "not of numbers or text"),
        (b"cnumpy\ndtype\n(S'f4'\ntR(I3\nS'?'\ntb.", "a damaged type"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R(I1\n)cnumpy\ndtype\n(S'f8'\ntRI00\nS'abc'\ntb.", "bytes"),
        (b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'O8'\ntRS'x'\ntR.", "an array of objects"),
        (b"c_codecs\nencode\n(S'x'\nS'bz2'\ntR.", "another encoding"),
        (b"Pmine\n.", "something outside the file"),
        (b"cdancepose.data.readers.safe_pickle\n_Maker\n.", r"dancepose\.data"),
        (b"cnumpy\n__builtins__\n.", r"numpy\.__builtins__"),
        (b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.", r"numpy\.ndarray\.__init__"),
    ],
)
def test_programs_written_by_hand(load, program, words):
    pickletools.dis(program, out=open(os.devnull, "w"))
    if words is None:
        load(program)
        return
    with pytest.raises(DataError, match=words):
        load(program)


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02]r" + (1 << 24).to_bytes(4, "little") + b".",  # a list is object 2^24: room for so many
        b"\x80\x02]p16777216\n.",
        b"\x80\x05\x96" + (1 << 28).to_bytes(8, "little") + b"short.",  # a byte array of 256 MiB
    ],
)
def test_a_short_file_takes_little_memory(load, program):
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="no whole pickle"):
            load(program)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_names_stay_as_they_are_for_the_next_file(load):
    """A file cannot change what names stand for."""
    change = b"cnumpy\ndtype\n(N}S'_make'\ncbuiltins\nset\nstb."
    with pytest.raises(DataError):
        load(change)
    array = np.arange(3.0)
    np.testing.assert_array_equal(plain(load(pickle.dumps(array))), array)


@settings(max_examples=60)
@given(array=st_numpy.arrays(st_numpy.scalar_dtypes(), st_numpy.array_shapes(min_side=0)))
def test_arrays_are_read_as_numpy_would_or_refused(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("arrays") / "mine.pkl"
    path.write_bytes(pickle.dumps(array))
    if array.dtype.kind in "biufUS" and array.dtype.itemsize:
        found = plain(load_pickle(path))
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    else:
        with pytest.raises(DataError, match="not of numbers or text|empty text"):
            load_pickle(path)


@settings(max_examples=200)
@given(data=st.data())
def test_damaged_pickles_are_refused_or_read_but_never_crash(tmp_path_factory, data):
    array = np.arange(4, dtype=np.float32)
    content = bytearray(pickle.dumps({"a": [array, "text", 3]}, data.draw(st.sampled_from(PROTOCOLS))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.mktemp("damaged") / "mine.pkl"
    path.write_bytes(content[:cut] if data.draw(st.booleans()) else content)
    before = set(sys.modules)
    try:
        load_pickle(path)
    except DataError as error:
        assert "mine.pkl" in str(error)
    assert set(sys.modules) == before, "nothing is imported"


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.pkl cannot be read: No such file"):
        load_pickle(tmp_path / "none.pkl")
