"""Files of named arrays (.npz) that a run leaves: written whole, read with words for what is wrong."""

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from dancepose.errors import DanceposeError, DataError
from dancepose.files import replacing
from dancepose.paths import evaluate_again

# what zipfile, zlib and numpy raise, each by the place of a file at which a byte is wrong
DAMAGED = (
    *(ValueError, TypeError, EOFError, RuntimeError, SyntaxError, OverflowError, AttributeError, IndexError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all."""
    with replacing(Path(path)) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(
    path: str | Path, names: Iterable[str], things: str, kind: str, together: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """Read arrays by their names; nothing in the file is run.

    Args:
        path: the file.
        names: of the arrays.
        things: what they are of: `samples`.
        kind: of the run that leaves them: `motion`.
        together: names of further arrays, of which a file has all or none.

    Raises:
        DataError: the file is missing, cut off or lacks an array; names file and array.
        DanceposeError: there is too little memory for it, however sound it is.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            more = together if any(name in file for name in together) else ()
            return {name: file[name] for name in (*names, *more)}
    except KeyError as error:
        raise DataError(f"{path}: array {error} is missing: no {things} of a {kind} run") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    except MemoryError as error:
        if not _claims_too_much(Path(path)):
            raise DanceposeError(
                f"the memory does not suffice to read the {things} of {path} ({error}): end other programs, "
                "or give fewer runs at once"
            ) from None
        raise _damaged(path, things, error) from None
    except DAMAGED as error:
        raise _damaged(path, things, error) from None


def _damaged(path: str | Path, things: str, error: Exception) -> DataError:
    again = evaluate_again(Path(path).parent)
    return DataError(f"{path} is no whole file of {things} ({error}): write it again: {again}")


def _claims_too_much(path: Path) -> bool:
    """Tell whether the header of an array asks for more bytes than stand behind it, or cannot be read."""
    try:
        with zipfile.ZipFile(path) as file:
            for member in file.infolist():
                with file.open(member) as content:
                    old = np.lib.format.read_magic(content) == (1, 0)
                    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
                    shape, _, kind = read(content)
                    if math.prod(shape) * kind.itemsize > member.file_size:
                        return True
    except (*DAMAGED, OSError, MemoryError):
        return True
    return False
