"""`write_scenes`: a data set of drawn scenes on disk, in the project's own formats, made once."""

import logging
import math
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import numpy as np
from filelock import FileLock, Timeout
from joblib import cpu_count

from dancepose.data.synthetic.annotations import annotate, frame_of, write_joint_files
from dancepose.data.synthetic.cast import draw_cast
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.inventory import (
    FOLDERS,
    is_whole,
    read_frames,
    take_stock,
    write_manifest,
    write_record,
)
from dancepose.data.synthetic.scene_set import PARTS, VERSION, SceneSet
from dancepose.data.synthetic.staging import DIFFICULTIES, draw_scene
from dancepose.errors import DanceposeError, DataError
from dancepose.files import Unwritable, remove_partial, unwritable, write_bytes
from dancepose.progress import track
from dancepose.records import Frame

log = logging.getLogger(__name__)

FREE = 0.4  # share of the people who dance freely where poses are learnt; of classes each is as frequent


def write_scenes(
    scenes: SceneSet, root: Path, workers: int | None = None, elsewhere: str = "root=<folder>"
) -> Path:
    """Draw a data set, unless it is there already; what is missing or damaged is drawn, and nothing else.

    Several processes may ask for the same folder at once: one draws, the others wait.

    Args:
        scenes: what to draw.
        root: the folder; made if it is not there.
        workers: processes; None: one for each core that this one may use. The files do not depend on it.
        elsewhere: how a user names another folder, for messages.

    Returns:
        `root`.

    Raises:
        ConfigError: an impossible value.
        DataError: the folder holds something else, or a file of labels that somebody has changed.
        DanceposeError: the disk is full, or the folder cannot be written.
    """
    scenes.check()
    try:
        if root.exists() and not root.is_dir():
            raise DataError(f"{root} is a file: give a folder to draw into, {elsewhere}")
        if not (root.is_dir() and is_whole(scenes, root)):  # a whole one needs no right to write
            with _locked(root):
                _complete(scenes, root, workers or cpu_count())
    except (Unwritable, PermissionError) as error:
        found = error if isinstance(error, Unwritable) else unwritable(root, error)
        remedy = f"Draw elsewhere: {elsewhere}"
        if found.full:
            remedy = f"Make room there, and the same goes on where it stopped; or draw elsewhere: {elsewhere}"
        raise DanceposeError(f"{found.path} cannot be written: {found.why}. {remedy}") from error
    return root


def _complete(scenes: SceneSet, root: Path, workers: int) -> None:
    """Draw what there is not yet, or no longer."""
    if is_whole(scenes, root):  # by whom this process has waited for
        return
    for folder in FOLDERS:
        remove_partial(root / folder)
    found = take_stock(scenes, root)
    if damaged := found.damaged:
        more = f" and {len(damaged) - 1} more" if damaged[1:] else ""
        log.warning("%s: %s%s missing or no longer as drawn: made again", root, damaged[0], more)
    write_manifest(scenes, root, VERSION)
    names = scenes.scene_names()
    _draw_all(scenes, root, [name for name in names if name not in found.records], workers)
    joint = write_joint_files(scenes, root, {name: read_frames(root, name) for name in names})
    write_manifest(scenes, root, VERSION, joint)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold a lock on a folder; it goes with the process that holds it, however that ends."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.info("%s: another process draws there; waiting for it", root)
            lock.acquire()
    except OSError as error:
        raise unwritable(root, error) from error
    try:
        yield
    finally:
        lock.release()


def _draw_all(scenes: SceneSet, root: Path, names: list[str], workers: int) -> None:
    if not names:
        return
    if workers == 1 or len(names) < 4:
        done: Iterator[int] = (draw_one(scenes, root, name) for name in names)
        for _ in track(((count, None) for count in done), len(names) * scenes.frames, "drawing pictures"):
            pass
        return
    context = multiprocessing.get_context("spawn")  # a fork would share the threads of OpenCV and PyTorch
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
            share = max(1, min(4, len(names) // workers))  # of few scenes each worker has its part
            jobs = pool.map(partial(draw_one, scenes, root), names, chunksize=share)
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


def draw_one(scenes: SceneSet, root: Path, name: str) -> int:
    """Draw a scene and write its pictures with their labels, and last of all its record.

    Args:
        scenes: the data set.
        root: its folder.
        name: one of `scenes.scene_names()`.

    Returns:
        The number of its pictures.
    """
    part, number = name.split("_")
    random = np.random.default_rng((scenes.seed, PARTS.index(part), 0, int(number)))
    start = random.uniform(0, 3)
    cast = draw_cast(scenes.seed, part, scenes.train)
    free = 1 / len(ACTIONS) if scenes.format == "actions" else FREE
    scene = draw_scene(random, DIFFICULTIES[scenes.difficulty], cast, start, ACTIONS, scenes.span, free)
    record = []
    for index, frame in enumerate(scenes.frame_names(name)):
        noise = np.random.default_rng((scenes.seed, PARTS.index(part), 2, int(number), index))
        picture, truths = scene.render(start + index / scenes.rate, noise)
        quality = [cv2.IMWRITE_JPEG_QUALITY, scene.effects.quality]
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
        write_bytes(root / scenes.picture(frame), data.tobytes())
        record.append({"image": scenes.picture(frame), **annotate(scenes, root, frame, scene, truths)})
    write_record(scenes, root, name, record)
    return scenes.frames


def sampled_frames(scenes: SceneSet, root: Path, count: int) -> list[Frame]:
    """Return pictures of as many scenes as can be, with their people, whatever the format.

    Args:
        scenes: what is drawn.
        root: the folder.
        count: of pictures at most. One is the middle of its clip; only of few clips there are more.
    """
    names = scenes.scene_names()
    each = min(scenes.frames, math.ceil(count / len(names)))
    chosen = [(2 * i + 1) * scenes.frames // (2 * each) for i in range(each)]
    found = []
    for name in names[:count]:
        frames = read_frames(root, name)
        found += [frame_of(frames[number], root, scenes.skeleton, name) for number in chosen]
    return found[:count]
