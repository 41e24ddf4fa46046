"""Pickles of strangers, read without executing anything: plain containers and numpy arrays, nothing else.

A pickle is a program that may name any function of Python and have it called. Here every name stands for a
small object of this file that makes a plain value, or the file is refused. Not even numpy's own functions are
handed to it: arrays are made from checked bytes.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.errors import DataError

DTYPE = re.compile(r"[<>=|]?([biufUS])(\d{1,6})|O8?")


class RefusedError(Exception):
    """The pickle asks for something that is no plain data."""


class _Maker:
    """What a name in a pickle stands for; nothing can be set on it, whatever the pickle says."""

    __slots__ = ("_make",)
    _make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]):
        object.__setattr__(self, "_make", make)

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise RefusedError("it changes a function")

    def __setstate__(self, state: Any) -> None:
        raise RefusedError("it changes a function")


class _Dtype:
    """A type of numbers, as a pickle describes it."""

    __slots__ = ("spec",)

    def __init__(self, spec: Any, *flags: Any):
        if not isinstance(spec, str) or not DTYPE.fullmatch(spec):
            raise RefusedError(f"it holds an array of {spec!r}, not of numbers or text")
        self.spec = spec

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<", ">", "|", "="):
            raise RefusedError("it holds a damaged type of numbers")
        self.spec = (order if order in "<>" else "") + self.spec.lstrip("<>=|")

    @property
    def real(self) -> np.dtype:
        """The type; RefusedError for objects."""
        if self.spec.startswith("O"):
            raise RefusedError("it holds an array of objects")
        return np.dtype(self.spec)


class _Array:
    """An array: first empty, then filled by the pickle."""

    __slots__ = ("value",)

    def __init__(self, *arguments: Any):
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise RefusedError("it holds a damaged array")
        _, shape, dtype, fortran, data = state
        if isinstance(dtype, _Dtype) and dtype.spec.startswith("O") and isinstance(data, list):
            self.value = data  # of objects: a list, whatever its shape was
        else:
            self.value = _array(data, dtype, shape, "F" if fortran else "C")


def _array(data: Any, dtype: Any, shape: Any, order: Any = "C") -> np.ndarray:
    if isinstance(data, str):  # as some old protocols write bytes
        data = data.encode("latin1")
    plain = isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape)
    if not isinstance(dtype, _Dtype) or not plain or not isinstance(data, (bytes, bytearray)):
        raise RefusedError("it holds a damaged array")
    if order not in ("C", "F") or len(shape) > 32 or math.prod(shape) * dtype.real.itemsize != len(data):
        raise RefusedError("it holds an array whose bytes are not those of its shape")
    if not dtype.real.itemsize:
        raise RefusedError("it holds an array of empty text")
    return np.ndarray(shape, dtype.real, bytes(data) or None, order=order)


def _scalar(dtype: Any, data: Any) -> Any:
    return _array(data, dtype, ()).item()


def _latin1(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise RefusedError("it holds text in another encoding")
    return text.encode("latin1")


def _bytes(data: Any = b"", encoding: Any = "latin1") -> bytes:
    return bytes(data) if isinstance(data, (bytes, bytearray)) else _latin1(data, encoding.replace("-", ""))


def _nothing(*arguments: Any) -> Any:
    raise RefusedError("it makes an array in a way of its own")


BUILTINS: dict[str, Callable[..., Any]] = {
    "set": set,
    "frozenset": frozenset,
    "bytearray": _bytes,
    "bytes": _bytes,
}
NUMBERED = ("PUT", "BINPUT", "LONG_BINPUT")  # the unpickler makes room for so many objects
CORES = ("core", "_core")  # of numpy 1 and 2
NAMES: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _nothing,  # only ever an argument
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in CORES},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in CORES},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array for core in CORES},
    ("_codecs", "encode"): _latin1,
    ("collections", "OrderedDict"): dict,
    **{(module, name): make for module in ("builtins", "__builtin__") for name, make in BUILTINS.items()},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NAMES:
            raise RefusedError(f"it names {module}.{name}")
        return _Maker(NAMES[module, name])

    def persistent_load(self, pid: Any) -> Any:
        raise RefusedError("it names something outside the file")


def _check_sizes(content: bytes) -> None:
    """Refuse what would take more memory than the file has bytes to fill: numbers of objects, lengths.

    Raises:
        ValueError: a length reaches beyond the end of the file, or an operation is none.
    """
    for operation, argument, _ in pickletools.genops(content):  # it reads each length's bytes
        if operation.name in NUMBERED and isinstance(argument, int) and argument > len(content):
            raise ValueError(f"it numbers an object {argument}")


def load_pickle(path: Path, key: str = "") -> Any:
    """Read a pickle of plain containers, numbers, text and numpy arrays.

    Args:
        path: of the file.
        key: the config key that names it, for messages.

    Returns:
        Its content; `plain` makes arrays of what stands for them.

    Raises:
        DataError: it is missing or damaged, or names anything else, which is not executed; names both.
    """
    named = f"{key}={path}" if key else str(path)
    try:
        content = path.read_bytes()
        _check_sizes(content)
        return _Unpickler(io.BytesIO(content)).load()
    except RefusedError as error:
        raise DataError(
            f"{named} is refused: {error}. A pickle can run any program, so that only plain "
            "containers and numpy arrays of numbers are read; nothing of it was executed. Write it anew from "
            "such, if it comes from where you think it does"
        ) from None
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a damaged pickle makes the unpickler stumble over
        what = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{named} is no whole pickle ({what}): copy it again") from None


def plain(value: Any) -> Any:
    """Return the array, number or list that a value of `load_pickle` stands for; others as they are."""
    return value.value if isinstance(value, _Array) else value
