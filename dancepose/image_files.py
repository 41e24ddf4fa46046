"""Image files: reading them, and looking at their headers alone."""

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import cv2
import numpy as np

from dancepose.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
JPEG, PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
JPEG_END, PNG_END = b"\xff\xd9", b"IEND"
LARGEST = 2**28  # pixels; decoded it takes three bytes each, and several pictures are held at a time
ORIENTATION = 0x0112  # EXIF tag; 5 to 8 swap width and height


def read_image(image: Path | str | np.ndarray | None) -> np.ndarray:
    """Read an image file; an array is returned as it is.

    The EXIF orientation is applied, as Labelme and every viewer do: labels lie on the picture as it is seen.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: the file is missing, no image, cut off, or too large to be decoded, and names it; or there
            is none (see `Frame.image`).
    """
    if image is None:
        raise DataError("the frame has no picture, only keypoints: give data with pictures")
    if isinstance(image, np.ndarray):
        return image
    try:
        data = np.fromfile(image, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"image {image} cannot be read: {error.strerror or error}") from None
    decoded, content = None, data.tobytes()
    # OpenCV would fill the missing part of a JPEG with grey
    if len(data) and not _is_cut_off(content, _check_size(image, content)):
        try:
            decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        except (cv2.error, MemoryError) as error:
            why = " ".join(str(error).split())[:300] or "out of memory"
            raise DataError(
                f"image {image} cannot be decoded: {why}. Make it smaller, or save it anew."
            ) from None
    if decoded is None:
        raise DataError(f"image {image} is broken: no image, or cut off ({len(data)} bytes). Copy it again.")
    return decoded


def is_picture(path: Path | str) -> bool:
    """Tell whether a file begins as one of the pictures that are read here, whatever its name."""
    return bool(cv2.haveImageReader(str(path)))


def from_pillow(image: "Image.Image") -> np.ndarray:
    """Return the pixels of a Pillow image as `read_image` gives those of its file: turned by its EXIF, RGB.

    An alpha channel is dropped; 16 bits a channel become 8.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: its file is broken, or Pillow does not turn its mode into RGB.
    """
    from PIL import ImageOps

    name = getattr(image, "filename", "") or "of Pillow"
    try:
        turned = ImageOps.exif_transpose(image)
        if turned.mode.startswith("I"):  # which `convert` would cut off at 255
            grey = (np.asarray(turned).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        return np.array(turned.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:  # Pillow decodes a file only now
        raise DataError(f"image {name} of mode {image.mode} cannot be read: {error}") from None


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


def _check_size(image: Path | str, content: bytes) -> int:
    """Refuse a JPEG or PNG whose header promises more than `LARGEST` pixels; OpenCV bounds the others.

    Returns:
        Where the header ends that says how large the picture is: a small one of its own may stand before.
    """
    file = io.BytesIO(content)
    try:
        start = file.read(8)
        width, height = _jpeg_size(file) if start[:2] == JPEG else _png_size(file) if start == PNG else (0, 0)
    except (struct.error, IndexError):
        return 2  # the decoder finds it broken, or makes something of it
    if width * height > LARGEST:
        raise DataError(
            f"image {image} has {width} x {height} pixels, more than the {LARGEST:,} that are decoded: make "
            "it smaller, or cut it"
        )
    return file.tell()


def _is_cut_off(data: bytes, header: int) -> bool:
    """Tell whether a JPEG or PNG lacks its end; `header` is where its own header ends."""
    if data[:2] == JPEG:
        scan = data.find(b"\xff\xda", header)
        return scan < 0 or data.rfind(JPEG_END) < scan
    return data[:8] == PNG and PNG_END not in data[-64:] and data.rfind(PNG_END) < 0


def _has_end(file: BinaryIO, mark: bytes) -> bool:
    """Whether the file ends as it should; only where other data follow the image it is read as a whole.

    Args:
        file: read up to the header that says how large the picture is: a small one may stand before.
        mark: what it ends with.
    """
    header = file.tell()
    file.seek(0, 2)
    file.seek(max(header, file.tell() - 4096))
    if mark in file.read():
        return True
    file.seek(0)
    return not _is_cut_off(file.read(), header)


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """Walk through the segments of a JPEG up to its frame header (ITU T.81, B.2.2)."""
    file.seek(2)
    turned: bool | None = None
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
        content = file.read(max(0, length - 2)) if marker == 0xE1 else b""
        if content.startswith(b"Exif\0\0") and turned is None:  # the first counts, as for OpenCV
            turned = _orientation(content[6:]) >= 5
        elif marker != 0xE1:
            file.seek(max(0, length - 2), 1)


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
