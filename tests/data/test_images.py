"""Image files: sizes by header equal those by decoding, broken files are named, EXIF turns are applied."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from dancepose.data.images import check_images, image_size, read_image, refuse_without_pictures
from dancepose.data.problems import KINDS, Problems
from dancepose.errors import DataError
from dancepose.records import Frame

WIDTH, HEIGHT = 40, 24


def picture() -> np.ndarray:
    """A picture that is red in its left upper quarter, RGB."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 2, : WIDTH // 2, 0] = 255
    return image


def exif(orientation: int, order: str = "<") -> bytes:
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def write(path: Path, orientation: int | None = None, order: str = "<") -> Path:
    cv2.imwrite(str(path), picture()[..., ::-1])
    if orientation:
        data, block = path.read_bytes(), exif(orientation, order)
        if path.suffix == ".png":
            chunk = struct.pack(">I", len(block)) + b"eXIf" + block
            data = data[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + data[33:]
        else:
            block = b"Exif\0\0" + block
            data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
        path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_reads_rgb_and_size(tmp_path: Path, suffix: str):
    path = write(tmp_path / f"a{suffix}")
    assert image_size(path) == (WIDTH, HEIGHT)
    image = read_image(path)
    assert image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8
    assert image[5, 5, 0] > 200 and image[5, 5, 2] < 50  # red, not blue
    assert read_image(image) is image


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_is_applied_to_picture_and_size(
    tmp_path: Path, suffix: str, orientation: int, order: str
):
    path = write(tmp_path / f"a{suffix}", orientation, order)
    image = read_image(path)
    assert (
        image_size(path) == image.shape[1::-1] == ((HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT))
    )
    # where the red quarter goes: 1 2 3 4 are mirrors and half turns, 5 to 8 transposed ones
    top, left = {1: (1, 1), 2: (1, 0), 3: (0, 0), 4: (0, 1), 5: (1, 1), 6: (1, 0), 7: (0, 0), 8: (0, 1)}[
        orientation
    ]
    rows, columns = np.nonzero(image[..., 0] > 128)
    assert (rows.mean() < image.shape[0] / 2) == top and (columns.mean() < image.shape[1] / 2) == left


def test_grey_and_sixteen_bit_become_rgb(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "grey.png"), picture()[..., 0])
    cv2.imwrite(str(tmp_path / "deep.png"), picture().astype(np.uint16) * 257)
    assert read_image(tmp_path / "grey.png").shape == (HEIGHT, WIDTH, 3)
    assert read_image(tmp_path / "deep.png").dtype == np.uint8


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("keep", [0, 10, 60, 0.7, 0.99])
def test_cut_off_files_are_named(tmp_path: Path, suffix: str, keep: float):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    for function in (read_image, image_size):
        with pytest.raises(DataError, match=rf"a\{suffix}.*broken"):
            function(path)


def test_bytes_behind_the_image_do_no_harm(tmp_path: Path):
    path = write(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + bytes(10000))  # as some telephones do
    assert image_size(path) == (WIDTH, HEIGHT) and read_image(path).shape == (HEIGHT, WIDTH, 3)


def test_check_finds_missing_broken_and_other_sizes(tmp_path: Path):
    good, other, turned = (write(tmp_path / f"{name}.jpg") for name in ("good", "other", "turned"))
    (tmp_path / "text.jpg").write_text("no image")
    sizes = {good: (WIDTH, HEIGHT), other: (10, 10), turned: (HEIGHT, WIDTH)}
    sizes |= {tmp_path / "text.jpg": (1, 1), tmp_path / "gone.jpg": (1, 1)}
    problems = check_images(Frame(path, size, [], "mpii15") for path, size in sizes.items())
    assert problems.counts() == {"image missing": 1, "image broken": 1, "size differs": 2}
    text = problems.report()
    assert "is 40 x 24, its labels say 10 x 10" in text and "EXIF" in text
    with pytest.raises(DataError, match=r"(?s)Do this\..*gone\.jpg"):
        problems.raise_fatal("Do this.")


def test_problems_are_counted_and_cut_short():
    problems = Problems()
    for number in range(5):
        problems.add("unknown label", "a.json", f"shapes[{number}]", "'x'")
    problems.add("in no part of the split", "s.json", count=7)
    assert len(problems) == 12
    assert problems.counts() == {"unknown label": 5, "in no part of the split": 7}
    assert problems.report(2).splitlines()[:4] == [
        f"unknown label 'x': 5 ({KINDS['unknown label']})",
        "    a.json shapes[0]",
        "    a.json shapes[1]",
        "    ... and 3 more",
    ]
    problems.raise_fatal("nothing fatal")
    with pytest.raises(KeyError):
        problems.add("no such kind", "a.json")


def test_frames_without_pictures_are_refused_where_pictures_are_needed(tmp_path):
    frames = [Frame(image, (8, 8), [], "mpii15") for image in (None, tmp_path / "a.jpg", None)]
    with pytest.raises(
        DataError, match=r"^data\.root=x: 2 of its 3 frames have .* and the image branch needs"
    ):
        refuse_without_pictures(frames, "data.root=x", "the image branch")
    with pytest.raises(DataError, match=r"^data\.root=x: its frames have keypoints alone"):
        refuse_without_pictures(frames[:1], "data.root=x", "the image branch")
    refuse_without_pictures(frames[1:2], "data.root=x", "the image branch")
    assert check_images(frames).counts() == {"image missing": 1}


def with_thumbnail(path: Path, orientations: tuple[int, ...] = (1,)) -> bytes:
    """Write a JPEG as cameras do: a small whole JPEG stands in its header; return its content."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    small, large = (
        cv2.imencode(".jpg", cv2.resize(noise, size))[1].tobytes() for size in ((32, 24), (400, 300))
    )
    blocks = [b"Exif\0\0" + exif(orientation) + small for orientation in orientations]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    path.write_bytes(large[:2] + segments + large[2:])
    return path.read_bytes()


@pytest.mark.parametrize("keep", [0.1, 0.2, 0.5, 0.9, 0.99])
def test_a_cut_off_photograph_with_a_small_picture_in_its_header_is_found_without_decoding(
    tmp_path: Path, keep
):
    path = tmp_path / "a.jpg"
    content = with_thumbnail(path)
    assert image_size(path) == (400, 300) and read_image(path).shape == (300, 400, 3)
    path.write_bytes(content[: int(keep * len(content))])
    for read in (image_size, read_image):
        with pytest.raises(DataError, match=r"a\.jpg is broken"):
            read(path)


@pytest.mark.parametrize("orientations", [(6, 1), (1, 6), (6, 6)])
def test_of_two_orientations_the_decoders_counts(tmp_path: Path, orientations):
    path = tmp_path / "a.jpg"
    with_thumbnail(path, orientations)
    height, width = read_image(path).shape[:2]
    assert image_size(path) == (width, height)


@pytest.mark.parametrize("length", [0, 1])
def test_a_segment_that_is_shorter_than_its_own_length_is_passed_over(tmp_path: Path, length):
    path = write(tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", length) + data[2:])
    assert image_size(path) == (WIDTH, HEIGHT)
