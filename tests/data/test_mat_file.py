import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import csr_array

from dancepose.data.mat_file import read_mat, structs, write_mat
from dancepose.errors import DanceposeError, DataError


def saved(tmp_path, **variables):
    savemat(tmp_path / "a.mat", variables)
    return read_mat(tmp_path / "a.mat")


def cells(*values):
    array = np.empty((len(values), 1), dtype=object)
    for index, value in enumerate(values):
        array[index, 0] = value
    return array


def test_one_struct_and_several_look_alike(tmp_path):
    several = np.array([[(1.5,), (2.5,)]], dtype=[("x", object)])
    found = saved(tmp_path, one={"x": 1.5}, several=several, none=np.zeros((0, 0)))
    assert found == {"one": [{"x": 1.5}], "several": [{"x": 1.5}, {"x": 2.5}], "none": None}
    assert structs(found["one"]) == [{"x": 1.5}] and structs(found["none"]) == []


def test_cells_texts_and_numbers(tmp_path):
    found = saved(
        tmp_path,
        cell=cells("a", np.zeros((0, 0)), 3, np.array([[1, 2]]), cells(np.array([[1, 2]]))),
        one=cells("a"),
        rows=np.array(["ab", "c "]),
        empty="",
        grid=np.arange(6.0).reshape(2, 3),
    )
    assert found["cell"][:3] == ["a", None, 3]
    assert found["cell"][3].tolist() == [1, 2] and found["cell"][4][0].tolist() == [1, 2]
    assert found["one"] == ["a"] and found["rows"] == ["ab", "c "] and found["empty"] is None
    assert found["grid"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_cells_of_a_matrix_come_column_by_column(tmp_path):
    grid = np.empty((2, 2), dtype=object)
    grid[0, 0], grid[1, 0], grid[0, 1], grid[1, 1] = 1, 2, 3, 4
    assert saved(tmp_path, grid=grid)["grid"] == [1, 2, 3, 4]


def test_structs_are_written_and_come_back(tmp_path):
    value = [
        {"name": "a.jpg", "rect": [{"x": 1, "score": 0.25}, {"x": 2}], "ids": ["a", None]},
        {"name": "b.jpg", "rect": {"x": 3}, "more": np.array([1.5, 2.5])},
    ]
    write_mat(tmp_path / "a.mat", {"pred": value, "n": 2})
    found = read_mat(tmp_path / "a.mat", ["pred"])["pred"]
    assert found[0] == {
        "name": "a.jpg",
        "rect": [{"x": 1, "score": 0.25}, {"x": 2, "score": None}],
        "ids": ["a", None],
        "more": None,
    }
    assert found[1]["rect"] == [{"x": 3}] and found[1]["more"].tolist() == [1.5, 2.5]
    assert set(read_mat(tmp_path / "a.mat")) == {"pred", "n"}


def test_no_folder_to_write_in(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DanceposeError, match="cannot be written"):
        write_mat(tmp_path / "file" / "a.mat", {"n": 1})


def test_refused_with_one_message(tmp_path):
    path = tmp_path / "a.mat"
    with pytest.raises(DataError, match=r"data\.annotations=.*a\.mat cannot be read: No such file"):
        read_mat(path, key="data.annotations")
    for content in (b"", b"not a MATLAB file", b"PK\x03\x04" * 300, bytes(600)):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.mat is no whole MATLAB file .*download or save it again"):
            read_mat(path)
    hdf5 = b"\x89HDF\r\n\x1a\n"
    for head in (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + hdf5, hdf5):
        path.write_bytes(head)
        with pytest.raises(DataError, match="save it with the option '-v7'"):
            read_mat(path)


def test_a_variable_that_is_not_there(tmp_path):
    write_mat(tmp_path / "a.mat", {"pred": 1, "other": 2})
    with pytest.raises(DataError, match="has no variable 'RELEASE', only pred, other: give the right file"):
        read_mat(tmp_path / "a.mat", ["RELEASE"])


def test_what_is_no_plain_data(tmp_path):
    savemat(tmp_path / "a.mat", {"s": {"m": csr_array(np.eye(3))}})
    with pytest.raises(DataError, match="holds what is no plain data"):
        read_mat(tmp_path / "a.mat")


def test_structs_refuses_something_else():
    for value in ("text", 3, [1, 2], [{"x": 1}, None]):
        with pytest.raises(TypeError, match="holds no structs"):
            structs(value)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    write_mat(path, {"RELEASE": [{"annolist": [{"image": {"name": "a.jpg"}, "x": 1.5}] * 3, "img": [1, 2]}]})
    return path.read_bytes()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_an_error_and_nothing_else(whole, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(whole) - 1))]
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        read_mat(path, ["RELEASE"])
    except DataError as error:
        assert str(path) in str(error)


def test_equal_values_give_equal_files(tmp_path, monkeypatch):
    write_mat(tmp_path / "a.mat", {"n": 1})
    monkeypatch.setattr("time.asctime", lambda: "Thu Jan  1 00:00:00 1970")
    write_mat(tmp_path / "b.mat", {"n": 1})
    assert (tmp_path / "a.mat").read_bytes() == (tmp_path / "b.mat").read_bytes()
    assert read_mat(tmp_path / "b.mat") == {"n": 1}
