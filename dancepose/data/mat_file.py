"""MATLAB files (.mat) as plain Python values, read and written; nothing in them is executed."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, savemat, whosmat
from scipy.io.matlab import mat_struct

from dancepose.data.json_file import BrokenFile
from dancepose.files import replacing

HDF5 = b"\x89HDF\r\n\x1a\n"  # MATLAB's -v7.3: it stands behind a header of 512 bytes, or at the start
HEAD = b"MATLAB 5.0 MAT-file, written by dancepose"
Struct = dict[str, Any]


def read_mat(path: Path, variables: Sequence[str] | None = None, key: str = "") -> dict[str, Any]:
    """Read variables of a MATLAB file of versions 4 to 7.

    What MATLAB writes in several ways has one form here:

    * a struct, or an array of structs, is a list of dictionaries, also where there is one;
    * a cell array is a list, in MATLAB's order (columns first);
    * a text is a `str`, several rows of text a list;
    * a single number is a Python number, several are an array without axes of length 1;
    * whatever is empty is None. A field that a struct lacks is absent: ask with `get`.

    Args:
        path: of the file.
        variables: the names to read; None reads all.
        key: the config key that names the file, for messages.

    Returns:
        Name -> value, without the file's own header.

    Raises:
        BrokenFile: the file is missing, damaged, of another format, or lacks a variable; names the remedy.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(520)
            if head.startswith(HDF5) or head[512:] == HDF5 or head.startswith(b"MATLAB 7.3"):
                what = "is a MATLAB 7.3 file (HDF5): load it in MATLAB and save it with the option '-v7'"
                raise BrokenFile(path, what, key=key)
            file.seek(0)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                raw = loadmat(file, struct_as_record=False, chars_as_strings=True, variable_names=variables)
    except BrokenFile:
        raise
    except OSError as error:
        if error.errno is not None:
            raise BrokenFile(path, f"cannot be read: {error.strerror}", key=key) from None
        raise _foreign(path, error, key) from None
    except Exception as error:  # wherever the bytes go astray scipy raises what just comes of it
        raise _foreign(path, error, key) from None
    for warning in told:  # scipy goes on with a text in place of a variable that it cannot read
        if "variable" in str(warning.message):
            raise _foreign(path, warning.message, key)
    found = {name: value for name, value in raw.items() if not name.startswith("__")}
    for name in variables or ():
        if name not in found:
            have = ", ".join(variable_names(path)) or "none"
            raise BrokenFile(path, f"has no variable '{name}', only {have}: give the right file", key=key)
    try:
        return {name: _plain(value) for name, value in found.items()}
    except (TypeError, RecursionError) as error:
        what = f"holds what is no plain data ({error}): save structs alone"
        raise BrokenFile(path, what, key=key) from None


def variable_names(path: Path) -> list[str]:
    """Return the names of a file's variables; none of one that `read_mat` refuses, and for its reason."""
    return list(variable_kinds(path))


def variable_kinds(path: Path) -> dict[str, str]:
    """Return name -> MATLAB's class of a file's variables: `struct`, `cell`, `sparse`, `function` and others.

    There are none of a file that `read_mat` refuses, and for its reason.
    """
    try:
        return {name: kind for name, _, kind in whosmat(path, appendmat=False)}
    except Exception:  # as in `read_mat`, which tells what is wrong
        return {}


def structs(value: Any) -> list[Struct]:
    """Return the structs of a field as `read_mat` gives it, none of one that is empty or missing.

    Raises:
        TypeError: it holds something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(type(item) is dict for item in value):
        raise TypeError("holds no structs")
    return value


def struct_array(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return structs as one MATLAB struct array.

    Args:
        rows: the structs. Values are numbers, texts, arrays, a mapping (one struct), a list of mappings (a
            struct array), another list (a cell array) or None (empty).

    Returns:
        (1, N) array with the fields of all rows in their order; what a row lacks is empty there.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for name in names:
        column = array[name][0]
        for index, row in enumerate(rows):
            column[index] = _matlab(row.get(name))
    return array


def write_mat(path: Path, variables: Mapping[str, Any]) -> None:
    """Write variables as a MATLAB 5 file, compressed, whole or not at all; equal values give equal bytes.

    Args:
        path: of the file.
        variables: name -> value as in the rows of `struct_array`.

    Raises:
        DanceposeError: the file cannot be written.
    """
    values = {name: _matlab(value) for name, value in variables.items()}
    with replacing(Path(path)) as file:
        savemat(file, values, format="5", long_field_names=True, do_compression=True, oned_as="row")
        file.seek(0)
        file.write(HEAD.ljust(116))  # in place of scipy's, which holds the time: equal values, equal files


def _plain(value: Any) -> Any:
    if type(value) is not np.ndarray:
        raise TypeError(type(value).__name__)
    size, kind = value.size, value.dtype.kind
    if not size:
        return None
    if kind == "O":
        items = value.flat if value.ndim < 2 or 1 in value.shape else value.ravel("F")
        return [_fields(item) if type(item) is mat_struct else _plain(item) for item in items]
    if kind == "U":
        return value.item() or None if size == 1 else value.ravel().tolist()
    if kind not in "fiubc":
        raise TypeError(str(value.dtype))
    return value.item() if size == 1 else value.squeeze()


def _fields(struct: mat_struct) -> Struct:
    """Return a struct as a dictionary: its own, changed in place, for there are millions."""
    fields = vars(struct)
    del fields["_fieldnames"]
    for name, value in fields.items():
        fields[name] = _plain(value)
    return fields


def _matlab(value: Any) -> Any:
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, Mapping):
        return struct_array([value])
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, Mapping) for item in value):
            return struct_array(value)
        cells = np.empty((1, len(value)), dtype=object)
        for index, item in enumerate(value):
            cells[0, index] = _matlab(item)
        return cells
    return value


def _foreign(path: Path, error: object, key: str) -> BrokenFile:
    what = f"is no whole MATLAB file ({error or type(error).__name__}): download or save it again"
    return BrokenFile(path, what, key=key)


def kind_of(value: Any) -> str:
    """Say what a value of `read_mat` is, for messages."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, np.ndarray):
        return f"{value.size} numbers"
    return "a cell array" if isinstance(value, list) else "a number"
