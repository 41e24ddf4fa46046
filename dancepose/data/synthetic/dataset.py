"""`write_scenes`: a data set of drawn scenes on disk, in the project's own formats, made once."""

import json
import logging
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, partial
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock

from dancepose.data.json_file import load_mapping
from dancepose.data.synthetic.annotations import annotate, frame_of, write_joint_files
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.outfit import Outfit
from dancepose.data.synthetic.scene_set import PARTS, VERSION, SceneSet
from dancepose.data.synthetic.staging import DIFFICULTIES, draw_scene
from dancepose.errors import DanceposeError, DataError
from dancepose.files import write_bytes, write_json, write_text
from dancepose.progress import track
from dancepose.records import Frame

log = logging.getLogger(__name__)

MANIFEST = ".manifest.json"
CAST = {"train": 400, "val": 60, "test": 120}  # identities of each part; none is in two


def write_scenes(scenes: SceneSet, root: Path, workers: int | None = None) -> Path:
    """Draw a data set, unless it is there already; an interrupted one is gone on with.

    Several processes may ask for the same folder at once: one draws, the others wait.

    Args:
        scenes: what to draw.
        root: the folder; made if it is not there.
        workers: processes; None: one for each CPU. The files do not depend on it.

    Returns:
        `root`.

    Raises:
        ConfigError: an impossible value.
        DataError: the folder holds something else.
        DanceposeError: the disk is full, or the folder cannot be written.
    """
    scenes.check()
    if root.is_dir() and _complete(scenes, root):  # needs no right to write
        return root
    with _locked(root):
        if _complete(scenes, root):
            return root
        about = {"scenes": asdict(scenes), "version": VERSION, "hash": scenes.hash}
        write_json(root / MANIFEST, {**about, "complete": False})
        missing = [scene for scene in scenes.scene_names() if not _record(root, scene).is_file()]
        _draw_all(scenes, root, missing, workers or os.cpu_count() or 1)
        records = {scene: load_mapping(_record(root, scene))["frames"] for scene in scenes.scene_names()}
        write_joint_files(scenes, root, records)
        write_json(root / MANIFEST, {**about, "complete": True})
    return root


def _complete(scenes: SceneSet, root: Path) -> bool:
    """Return whether the folder holds this very data set, whole.

    Raises:
        DataError: it holds another, or files of unknown origin.
    """
    path = root / MANIFEST
    if not path.is_file():
        foreign = [p.name for p in root.iterdir() if not p.name.startswith(".")]
        if foreign:
            raise DataError(
                f"{root} is not empty and no drawn data set ({foreign[0]}, ...): give another root"
            )
        return False
    manifest = load_mapping(path)
    if manifest.get("hash") != scenes.hash:
        raise DataError(
            f"{root} holds another drawn data set ({manifest.get('scenes')}, version "
            f"{manifest.get('version')}): give another root, or remove it"
        )
    return bool(manifest.get("complete"))


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold a lock on a folder; it goes with the process that holds it, however that ends."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire()
    except OSError as error:
        raise DataError(f"{root} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _draw_all(scenes: SceneSet, root: Path, names: list[str], workers: int) -> None:
    if not names:
        return
    if workers == 1 or len(names) < 4:
        done: Iterator[int] = (_draw_one(scenes, root, name) for name in names)
        for _ in track(((count, None) for count in done), len(names) * scenes.frames, "drawing pictures"):
            pass
        return
    context = multiprocessing.get_context("spawn")  # a fork would share the threads of OpenCV and PyTorch
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
            jobs = pool.map(partial(_draw_one, scenes, root), names, chunksize=4)
            for _ in track(((count, None) for count in jobs), len(names) * scenes.frames, "drawing pictures"):
                pass
    except BrokenProcessPool:
        raise DanceposeError(
            f"{root}: a drawing process was killed, perhaps for want of memory. The same goes on where it "
            "stopped; dancepose-synthesize workers=1 takes the least memory"
        ) from None


def _prepare() -> None:
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the process that asked for the drawing has ended, however it did, and end too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@cache
def draw_cast(seed: int, part: str) -> dict[int, tuple[Body, Outfit]]:
    """Return the identities of a part."""
    drawn = {}
    for number in range(CAST[part]):
        random = np.random.default_rng((seed, PARTS.index(part), 1, number))
        drawn[number] = Body.draw(random), Outfit.draw(random)
    return drawn


def _draw_one(scenes: SceneSet, root: Path, name: str) -> int:
    """Draw a scene and write its pictures, and last of all its record; return the number of pictures."""
    part, number = name.split("_")
    random = np.random.default_rng((scenes.seed, PARTS.index(part), 0, int(number)))
    start = random.uniform(0, 3)
    scene = draw_scene(random, DIFFICULTIES[scenes.difficulty], draw_cast(scenes.seed, part), start)
    record = []
    for index, frame in enumerate(scenes.frame_names(name)):
        noise = np.random.default_rng((scenes.seed, PARTS.index(part), 2, int(number), index))
        picture, truths = scene.render(start + index / scenes.rate, noise)
        quality = [cv2.IMWRITE_JPEG_QUALITY, scene.effects.quality]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
        write_bytes(root / scenes.picture(frame), data.tobytes())
        record.append({"image": scenes.picture(frame), **annotate(scenes, root, frame, scene, truths)})
    # without indents, which json writes in Python and much slower
    write_text(_record(root, name), json.dumps({"frames": record}))
    return scenes.frames


def _record(root: Path, scene: str) -> Path:
    """Return the file that tells that a scene is whole, and what the joint files need of it."""
    return root / ".records" / f"{scene}.json"


def drawn_frames(scenes: SceneSet, root: Path, count: int) -> list[Frame]:
    """Return the first pictures of a folder of drawn scenes with their people, whatever its format."""
    found = [
        frame_of(record, root, scenes.skeleton, name)
        for name in scenes.scene_names()[:count]
        for record in load_mapping(_record(root, name))["frames"]
    ]
    return found[:count]
