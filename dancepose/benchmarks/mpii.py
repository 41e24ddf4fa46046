"""How long MPII's official file takes to read: the first time, and from what is kept of it."""

import os
import re
import resource
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import savemat

from dancepose.benchmarks.timing import Row
from dancepose.data.mat_file import struct_array
from dancepose.data.readers.mpii import FILE, GROUPS_FILE, IMAGES, read_mpii
from dancepose.files import write_bytes
from dancepose.paths import CACHE
from dancepose.skeleton import load_skeleton

BLOCK = 250  # images that are made; the file repeats them under other names
PEOPLE = (1, 1, 2, 2, 2)  # of images in turn: 1.6 on average, as there
POINTS = 16
HEADER, COMPRESSED = 128, 15  # bytes before the variables of a MATLAB 5 file; the kind of a compressed one
NAME = re.compile(rb"(\d{9})\.jpg")


def time_mpii(images: int, rounds: int) -> list[Row]:
    """Time the reading of a made-up download: people with 16 points each, three groups in five images.

    Args:
        images: how many; rounded to whole blocks.
        rounds: repetitions of the second reading.

    Returns:
        A row for the first reading, with the memory that it took at most, and one for the others.
    """
    skeleton = load_skeleton("mpii15")
    with tempfile.TemporaryDirectory(prefix="dancepose-") as scratch, _cache(Path(scratch) / "cache"):
        root = Path(scratch) / "mpii"
        # by a process of its own: this one's memory is to be that of reading
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            count = other.submit(write_large, root, images, BLOCK).result()
        before = _memory()
        times = []
        for number in range(rounds + 1):
            start = time.perf_counter()
            frames = read_mpii(root / FILE, skeleton, root).frames
            times.append(1e3 * (time.perf_counter() - start))
            if number == 0:
                memory: dict[str, float | str] = {
                    "memory of the process, GB": _memory(),
                    "before, GB": before,
                }
    figures: dict[str, float | str] = {
        "images": float(count),
        "people": float(sum(len(frame.people) for frame in frames)),
    }
    return [
        Row("mpii", "first reading", times[:1], figures | memory),
        Row("mpii", "from what is kept", times[1:], dict(figures)),
    ]


def _memory() -> float:
    """Return the most that this process has had so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def write_large(root: Path, images: int, size: int = BLOCK) -> int:
    """Write a download of many images, each picture 16 x 16 pixels; return how many there are.

    It has all fields of the official file and is compressed as that is. scipy would write it for a quarter of
    an hour. So it writes one block, whose bytes are put into the file again and again under other names of
    pictures.

    Args:
        root: the folder; there is none yet.
        images: how many; rounded to whole blocks.
        size: images of a block.
    """
    (root / IMAGES).mkdir(parents=True)
    draw, times = np.random.default_rng(0), max(1, round(images / size))
    count = times * size
    block = struct_array([_image(draw, i) for i in range(size)])
    groups, single, nobody = np.empty((1, count), object), np.empty((count, 1), object), np.zeros((0, 0))
    for i in range(count):
        pair = np.empty((1, 1), object)
        pair[0, 0] = np.array([1.0, 2.0])
        two = PEOPLE[i % size % len(PEOPLE)] == 2
        groups[0, i], single[i, 0] = (pair, nobody) if two else (nobody, np.array([[1.0]]))
    videos = np.array([[f"video_{number:06d}"] for number in range(size)], object)
    acts = [{"act_name": "dancing, general", "cat_name": "dancing", "act_id": i % 400} for i in range(count)]
    release = {
        "img_train": np.ones((1, count), np.uint8),
        "version": "12",
        "single_person": single,
        "act": struct_array(acts).T,
        "video_list": videos.T,
        "annolist": block,  # the last one: see `_repeated`
    }
    savemat(root / GROUPS_FILE, {"groups": groups}, do_compression=True)
    savemat(root / FILE, {"RELEASE": release}, long_field_names=True)
    write_bytes(root / FILE, _repeated((root / FILE).read_bytes(), times, size, len(release) - 1))
    _, picture = cv2.imencode(".jpg", np.full((16, 16, 3), 90, np.uint8))
    for i in range(count):
        (root / IMAGES / f"{i:09d}.jpg").write_bytes(picture.tobytes())
    return count


def _image(draw: np.random.Generator, i: int) -> dict[str, Any]:
    people = []
    for _ in range(PEOPLE[i % len(PEOPLE)]):
        x, y = draw.uniform(1, 16, 2)
        marks = [{"x": x + draw.uniform(0, 1), "y": y, "id": k, "is_visible": "1"} for k in range(POINTS)]
        place = {"x": x, "y": y}
        head = {"x1": x, "y1": y, "x2": x + 3, "y2": y + 4}
        people.append(head | {"annopoints": {"point": marks}, "scale": 0.1, "objpos": place})
    return {"image": {"name": f"{i:09d}.jpg"}, "annorect": people, "frame_sec": 3, "vididx": i // 5 + 1}


def _repeated(data: bytes, times: int, size: int, before: int) -> bytes:
    """Return a compressed MATLAB 5 file whose `annolist`, the last field of its one variable, is repeated.

    Args:
        data: the file, not compressed, as scipy writes it.
        times: how often the images stand in what comes out, each time under other names.
        size: how many images that are.
        before: how many fields stand before `annolist`.
    """
    start = _elements(data, HEADER)
    for _ in range(before):
        start = _behind(data, start)
    body = _elements(data, start)
    parts = [data[body:]]
    for turn in range(1, times):
        parts.append(NAME.sub(partial(_renamed, turn * size), parts[0]))
    result = bytearray(data[:body])
    for tag in (HEADER, start):
        (length,) = struct.unpack_from("<I", result, tag + 4)
        struct.pack_into("<I", result, tag + 4, length + (times - 1) * len(parts[0]))
    struct.pack_into("<i", result, start + 36, times * size)  # the second of its dimensions
    packed = zlib.compress(bytes(result[HEADER:]) + b"".join(parts))
    return bytes(result[:HEADER]) + struct.pack("<II", COMPRESSED, len(packed)) + packed


def _renamed(first: int, name: re.Match[bytes]) -> bytes:
    return b"%09d.jpg" % (int(name[1]) + first)


def _elements(data: bytes, array: int) -> int:
    """Return where the first element of a struct array begins.

    Before it stand a tag, and flags, dimensions, name, length and list of the fields' names, each with a
    tag of its own.
    """
    place = array + 8
    for _ in range(5):
        place = _behind(data, place)
    return place


def _behind(data: bytes, place: int) -> int:
    """Return the end of an element: 8 bytes where it is small and stands in its tag."""
    kind, length = struct.unpack_from("<II", data, place)
    return place + 8 + (0 if kind >> 16 else -(-length // 8) * 8)


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    """Let the cache be elsewhere."""
    before = os.environ.get(CACHE)
    os.environ[CACHE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[CACHE]
        else:
            os.environ[CACHE] = before
