"""Image files: reading them, and looking at their headers alone."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from dancepose.data.problems import Problem, Problems
from dancepose.errors import DataError
from dancepose.records import Frame

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
JPEG, PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
JPEG_END, PNG_END = b"\xff\xd9", b"IEND"
ORIENTATION = 0x0112  # EXIF tag; 5 to 8 swap width and height


def read_image(image: Path | str | np.ndarray | None) -> np.ndarray:
    """Read an image file; an array is returned as it is.

    The EXIF orientation is applied, as Labelme and every viewer do: labels lie on the picture as it is seen.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: the file is missing, no image, or cut off, and names it; or there is none (see
            `Frame.image`).
    """
    if image is None:
        raise DataError("the frame has no picture, only keypoints: give data with pictures")
    if isinstance(image, np.ndarray):
        return image
    try:
        data = np.fromfile(image, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"image {image} cannot be read: {error.strerror or error}") from None
    decoded = None
    if not _is_cut_off(data.tobytes()):  # OpenCV would fill the missing part of a JPEG with grey
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    if decoded is None:
        raise DataError(f"image {image} is broken: no image, or cut off ({len(data)} bytes). Copy it again.")
    return decoded


def image_size(path: Path | str) -> tuple[int, int]:
    """Return width and height of the image as `read_image` gives it, from the header where that is enough.

    Also looks for the mark at the end of JPEG and PNG files, so a cut-off file is found without decoding.

    Raises:
        DataError: the file is missing, no image, or cut off; names it.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            try:
                if start[:2] == JPEG:
                    size = _jpeg_size(file)
                elif start == PNG:
                    size = _png_size(file)
                else:
                    height, width = read_image(path).shape[:2]
                    return width, height
            except (struct.error, IndexError):
                raise DataError(f"image {path} is broken: its header is cut off. Copy it again.") from None
            if _has_end(file, JPEG_END if start[:2] == JPEG else PNG_END):
                return size
    except OSError as error:
        raise DataError(f"image {path} cannot be read: {error.strerror or error}") from None
    raise DataError(f"image {path} is broken: the file is cut off. Copy it again.")


def check_images(frames: Iterable[Frame], known: Iterable[Problem] = ()) -> Problems:
    """Look at the header of every frame's image: is it there, whole, and of the size that the labels name?

    Frames without a picture, of sources that have keypoints alone, are passed over.

    Args:
        frames: to look at.
        known: what a reader found; its word on a missing image, with the field that names it, is passed on.
    """
    problems = Problems()
    said = {problem.detail: problem for problem in known if problem.kind == "image missing"}
    for frame in frames:
        if frame.image is None or isinstance(frame.image, np.ndarray):
            continue
        if not frame.image.is_file():
            problems.extend([said.get(str(frame.image), Problem("image missing", str(frame.image)))])
            continue
        try:
            size = image_size(frame.image)
        except DataError as error:
            problems.add("image broken", frame.image, detail=str(error))
            continue
        if size != frame.size:
            turned = size == frame.size[::-1]
            hint = "; perhaps its EXIF orientation was ignored when it was labelled" if turned else ""
            detail = f"is {size[0]} x {size[1]}, its labels say {frame.size[0]} x {frame.size[1]}{hint}"
            problems.add("size differs", frame.image, detail=detail)
    return problems


def refuse_without_pictures(frames: Iterable[Frame], where: str, use: str) -> None:
    """Refuse frames without a picture, before anything tries to open one.

    Args:
        frames: to look at.
        where: the keys that name the data, `data.annotations=skeletons.npz` for instance.
        use: what needs pictures.

    Raises:
        DataError: a frame has none; names the data and the remedy.
    """
    there = [frame.image is not None for frame in frames]
    if not all(there):
        found = f"{there.count(False)} of its {len(there)} frames" if any(there) else "its frames"
        raise DataError(
            f"{where}: {found} have keypoints alone and no pictures, and {use} needs pictures. Give data "
            "with pictures, or learn actions from keypoints alone"
        )


def _is_cut_off(data: bytes) -> bool:
    if data[:2] == JPEG:
        scan = data.find(b"\xff\xda")
        return scan < 0 or (JPEG_END not in data[-4096:] and data.rfind(JPEG_END) < scan)
    return data[:8] == PNG and PNG_END not in data[-64:] and data.rfind(PNG_END) < 0


def _has_end(file: BinaryIO, mark: bytes) -> bool:
    """Whether the file ends as it should; only where other data follow the image it is read as a whole."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 4096))
    if mark in file.read():
        return True
    file.seek(0)
    return not _is_cut_off(file.read())


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """Walk through the segments of a JPEG up to its frame header (ITU T.81, B.2.2)."""
    file.seek(2)
    turned = False
    while True:
        byte = file.read(1)
        while byte and byte != b"\xff":
            byte = file.read(1)
        while byte == b"\xff":
            byte = file.read(1)
        marker = byte[0]
        if marker == 0x01 or 0xD0 <= marker <= 0xD9:  # markers without a segment
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            _, height, width = struct.unpack(">BHH", file.read(5))
            return (height, width) if turned else (width, height)
        content = file.read(length - 2) if marker == 0xE1 else b""
        if content.startswith(b"Exif\0\0"):
            turned = _orientation(content[6:]) >= 5
        elif marker != 0xE1:
            file.seek(length - 2, 1)


def _png_size(file: BinaryIO) -> tuple[int, int]:
    file.seek(16)
    width, height = struct.unpack(">II", file.read(8))
    file.seek(33)
    while len(head := file.read(8)) == 8:  # an eXIf chunk stands before the image data
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf":
            return (height, width) if _orientation(file.read(length)) >= 5 else (width, height)
        if kind == b"IDAT":
            break
        file.seek(length + 4, 1)
    return width, height


def _orientation(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where it is absent or unreadable, as OpenCV has it."""
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, offset)
        for entry in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, offset + 2 + 12 * entry)
            if tag == ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
