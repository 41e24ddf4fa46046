"""What a file is that gives no weights: closed to us, of another kind, or damaged."""

import pickletools
import struct
import zipfile
import zlib
from pathlib import Path

from dancepose.errors import CheckpointError
from dancepose.image_files import is_picture

ONNX = ".onnx"
LOOKED_AT = 1024  # bytes at the start that tell the kind of a file
LEAST_TEXT = 4  # bytes; the first few of a file that is cut off may be letters by chance
ZIP = b"PK"  # what `torch.save` writes begins with it
PICKLES = 5  # before the numbers in PyTorch's old format: mark, version, machine, content, storages
PIECE = 2**20  # bytes that are read at once
# what zipfile raises, each by the place of an archive at which a byte is wrong
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, IndexError),
    *(ValueError, OverflowError, RuntimeError),
)
HELD = "a run directory, one of its checkpoints, or a safetensors file"


def _first_bytes(path: Path) -> bytes:
    """Return the start of a file.

    Raises:
        CheckpointError: the system does not let us read it; says why.
    """
    try:
        with path.open("rb") as file:
            return file.read(LOOKED_AT)
    except OSError as error:
        raise _closed(path, error) from None


def _closed(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{path} cannot be read: {error.strerror or error}")


def unreadable(path: Path, remedy: str, reason: str = "") -> CheckpointError:
    """Return the error for a file that neither PyTorch nor safetensors can read.

    Args:
        path: of the file.
        remedy: what to do where it is damaged, which helps no file that is of another kind.
        reason: what the reader calls the fault.
    """
    start = _first_bytes(path)
    if is_picture(path):
        return CheckpointError(
            f"{path} is a picture, and no checkpoint and no weights file: give {HELD}; pictures to look at "
            "are given with source="
        )
    if path.suffix == ONNX or _begins_onnx(start):
        return CheckpointError(
            f"{path} is an ONNX file: a graph to predict with, of which no weights are read here. Take the "
            "run that it was exported from, or its safetensors (dancepose-export format=safetensors)"
        )
    if _is_text(start):
        return CheckpointError(f"{path} is no checkpoint and no weights file, but text: give {HELD}")
    return CheckpointError(f"{path} is truncated or damaged: {remedy}{f' ({reason})' if reason else ''}")


def damaged_record(path: Path) -> str | None:
    """Return the first record of what `torch.save` wrote that is not as it was written, None where all are.

    Files of PyTorch before 1.6 are no archives and
    `torch.serialization.set_crc32_options(False)` notes 0 for each checksum: nothing is known of these.

    Args:
        path: of a file that was read without an error.

    Raises:
        CheckpointError: the system does not let us read it any more; says why.
    """
    if not _first_bytes(path).startswith(ZIP):
        return None
    record = "directory"
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                record = entry.filename
                if entry.CRC:
                    with archive.open(entry) as content:
                        while content.read(PIECE):
                            pass
    except DAMAGED:
        return record
    except OSError as error:
        raise _closed(path, error) from None
    return None


def _begins_onnx(start: bytes) -> bool:
    """Whether it starts as exporters write a ModelProto: ir_version (field 1), producer_name (field 2)."""
    return len(start) > 2 and start[0] == 0x08 and start[1] < 0x20 and start[2] == 0x12


def _is_text(start: bytes) -> bool:
    if len(start) < LEAST_TEXT or start.startswith(ZIP):
        return False
    text = start.decode(errors="ignore")  # the last letter may be cut in two
    broken = len(start) - len(text.encode())
    return broken < 4 and all(letter.isprintable() or letter in "\t\n\r\f" for letter in text)


def ends_early(path: Path) -> bool:
    """Return whether a file of the format before PyTorch 1.6, a row of pickles, ends within one of them.

    A name that is cut is another name, which the unpickler takes for one that it does not know.
    """
    if zipfile.is_zipfile(path):
        return False
    with path.open("rb") as file:
        try:
            for _ in range(PICKLES):
                for _ in pickletools.genops(file):
                    pass
                if not file.peek(1):
                    break
        except ValueError:
            return True
    return False
