import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dancepose.errors import DataError
from dancepose.image_files import LARGEST, from_pillow, read_image


def png_that_claims(path: Path, width: int, height: int) -> Path:
    """Write a PNG of which the header promises more than there is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


@pytest.mark.parametrize("side", [40_000, 20_000])
def test_a_picture_too_large_for_the_memory_is_refused_by_its_header(tmp_path, monkeypatch, side):
    path = png_that_claims(tmp_path / "huge.png", side, side)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it is not to be decoded"))
    with pytest.raises(DataError, match=rf"huge\.png.* {side} x {side} pixels.*make it smaller"):
        read_image(path)
    assert LARGEST < side * side


@pytest.mark.parametrize("error", [cv2.error("too large"), MemoryError()])
def test_what_the_decoder_raises_names_the_file(tmp_path, monkeypatch, error):
    path = tmp_path / "a.bmp"
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))

    def refuse(*_):
        raise error

    monkeypatch.setattr(cv2, "imdecode", refuse)
    with pytest.raises(DataError, match=r"a\.bmp cannot be decoded"):
        read_image(path)


class TestPillow:
    """An image of Pillow gives what its file does."""

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
    def test_every_mode(self, tmp_path, mode):
        noise = np.random.default_rng(0).integers(0, 256, (7, 9, 4), dtype=np.uint8)
        if mode == "I;16":
            image = Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257)
        elif mode in ("P", "CMYK", "LA", "1"):
            image = Image.fromarray(noise).convert(mode)
        else:
            channels = len(mode)
            image = Image.fromarray(noise[:, :, :channels] if channels > 1 else noise[:, :, 0])
        assert image.mode == mode
        found = from_pillow(image)
        assert found.shape == (7, 9, 3) and found.dtype == np.uint8
        if mode != "CMYK":  # which PNG does not have
            image.save(tmp_path / "x.png")
            assert np.array_equal(found, read_image(tmp_path / "x.png"))

    def test_turned_as_the_file_is(self, tmp_path):
        noise = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
        for turn in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = turn
            Image.fromarray(noise).save(tmp_path / "x.png", exif=exif)
            with Image.open(tmp_path / "x.png") as image:
                assert np.array_equal(from_pillow(image), read_image(tmp_path / "x.png")), turn
