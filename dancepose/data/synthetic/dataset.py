"""`write_scenes`: a data set of drawn scenes on disk, in the project's own formats, made once."""

import fcntl
import hashlib
import json
import logging
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dancepose.checks import at_least, one_of
from dancepose.data.json_file import load_mapping
from dancepose.data.readers.labelme import write_labelme
from dancepose.data.splits import SPLIT_FILE
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.figure import Outfit
from dancepose.data.synthetic.scene import DIFFICULTIES, SIZE, Scene, draw_scene
from dancepose.data.synthetic.truth import Truth
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.files import write_bytes, write_json, write_text
from dancepose.progress import track
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton

log = logging.getLogger(__name__)

VERSION = 1  # of the drawing: a change of what a seed gives makes another data set
PARTS = ("train", "val", "test")
FORMATS = ("labelme", "coco", "actions")
MANIFEST = ".manifest.json"
CAST = {"train": 400, "val": 60, "test": 120}  # identities of each part; none is in two


@dataclass(frozen=True)
class SceneSet:
    """What a data set of drawn scenes is made of; equal values give equal files.

    Attributes:
        train: scenes of the training part.
        val: scenes of the validation part.
        test: scenes of the test part.
        difficulty: `easy`, `medium` or `hard`.
        format: `labelme`, `coco` or `actions`.
        skeleton: name of the keypoints that are labelled.
        seed: of everything.
        frames: pictures of each scene, a clip where there are several.
        rate: pictures a second of a clip.
    """

    train: int = 600
    val: int = 60
    test: int = 120
    difficulty: str = "medium"
    format: str = "labelme"
    skeleton: str = "mpii15"
    seed: int = 0
    frames: int = 1
    rate: float = 10.0

    def check(self, key: str = "") -> None:
        """Refuse impossible values.

        Args:
            key: prefix of the config keys, for messages.

        Raises:
            ConfigError: names the key.
        """
        prefix = f"{key}." if key else ""
        for name, known in (("difficulty", DIFFICULTIES), ("format", FORMATS)):
            one_of(f"{prefix}{name}", getattr(self, name), known)
        for name, least in (("train", 0), ("val", 0), ("test", 0), ("seed", 0), ("frames", 1)):
            at_least(f"{prefix}{name}", getattr(self, name), least)
        if not self.rate > 0:
            raise ConfigError(f"{prefix}rate={self.rate}: give a positive number of pictures a second")
        if not self.train + self.val + self.test:
            raise ConfigError(f"{prefix}train=0, val=0 and test=0: there is nothing to draw")
        load_skeleton(self.skeleton)

    @property
    def hash(self) -> str:
        """16 hexadecimal digits: the same for equal values and the same version of the drawing."""
        values = asdict(self) | {"rate": float(self.rate) if self.frames > 1 else None}
        text = json.dumps([VERSION, values], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def scene_names(self) -> list[str]:
        """Return the names of all scenes, `train_00000` and so on."""
        return [f"{part}_{i:05d}" for part in PARTS for i in range(getattr(self, part))]

    def frame_names(self, scene: str) -> list[str]:
        """Return the names of a scene's pictures, without ending."""
        return [scene] if self.frames == 1 else [f"{scene}_{i:03d}" for i in range(self.frames)]


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
        _finish(scenes, root)
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
        file = (root / ".lock").open("w")
    except OSError as error:
        raise DataError(f"{root} cannot be written: {error.strerror or error}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
        write_bytes(root / f"{frame}.jpg", data.tobytes())
        record.append({"image": f"{frame}.jpg", **_annotate(scenes, root, frame, scene, truths)})
    write_json(_record(root, name), {"frames": record})
    return scenes.frames


def _record(root: Path, scene: str) -> Path:
    """Return the file that tells that a scene is whole, and what the joint files need of it."""
    return root / ".records" / f"{scene}.json"


def _annotate(scenes: SceneSet, root: Path, name: str, scene: Scene, truths: list[Truth]) -> dict[str, Any]:
    """Write a picture's Labelme file; return what stands of it in the one file of the other formats."""
    skeleton = load_skeleton(scenes.skeleton)
    people: list[Person] = []
    ignore: list[np.ndarray] = []
    for number, (actor, truth) in enumerate(zip(scene.actors, truths, strict=True)):
        if truth.labelled:  # under the same number in all pictures of a clip
            people.append(truth.person(skeleton, actor.action, number))
        elif truth.box is not None:  # a hand at the border: neither truth nor error
            x, y, w, h = truth.box
            ignore.append(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]))
    if scenes.format == "labelme" and people:
        image = root / f"{name}.jpg"
        frame = Frame(image, SIZE, people, skeleton.name, ignore=ignore)
        write_labelme(frame, skeleton, image.with_suffix(".json"))
    return {
        "people": [
            {
                "number": person.id,
                "action": person.action,
                "box": np.round(person.box, 2).tolist(),  # type: ignore[arg-type]
                "keypoints": np.round(person.keypoints, 2).tolist(),
            }
            for person in people
        ],
        "ignore": [np.round(polygon[[0, 2]], 2).tolist() for polygon in ignore],
    }


def _finish(scenes: SceneSet, root: Path) -> None:
    """Write the files that speak of all pictures: split, sources, and the joint annotations."""
    records = {scene: load_mapping(_record(root, scene))["frames"] for scene in scenes.scene_names()}
    skeleton = load_skeleton(scenes.skeleton)
    names: dict[str, list[str]] = {part: [] for part in PARTS}
    for scene, frames in records.items():
        # a picture in which nobody is labelled is in no part
        names[scene.split("_")[0]] += [frame["image"] for frame in frames if frame["people"]]
    clips: dict[str, list[str]] = {part: [] for part in PARTS}
    for scene, frames in records.items():
        numbers = sorted({person["number"] for frame in frames for person in frame["people"]})
        clips[scene.split("_")[0]] += [f"{scene}_{number}" for number in numbers]
    by_clip = scenes.format == "actions"
    write_json(root / SPLIT_FILE, {**(clips if by_clip else names), "by": "clip" if by_clip else "image"})
    if scenes.format == "labelme":
        source = f'{{match: "*", skeleton: {skeleton.name}, complete: true}}'
        write_text(root / "dataset.yaml", f"# drawn scenes: everybody is labelled\nsources:\n  - {source}\n")
    elif scenes.format == "coco":
        write_json(root / "annotations.json", _coco(records, skeleton))
    else:
        write_json(root / "actions.json", _actions(records, skeleton))


def drawn_frames(scenes: SceneSet, root: Path, count: int) -> list[Frame]:
    """Return the first pictures of a folder of drawn scenes with their people, whatever its format."""
    names = scenes.scene_names()[:count]
    records = [frame for name in names for frame in load_mapping(_record(root, name))["frames"]]
    return [
        Frame(
            root / record["image"],
            SIZE,
            [Person(np.array(p["keypoints"]), action=p["action"], id=p["number"]) for p in record["people"]],
            scenes.skeleton,
            name=record["image"],
        )
        for record in records[:count]
    ]


def _coco(records: dict[str, list[dict[str, Any]]], skeleton: Skeleton) -> dict[str, Any]:
    """Return the content of a COCO keypoint file."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for frames in records.values():
        for frame in frames:
            if not frame["people"]:
                continue
            number = len(images) + 1
            images.append({"id": number, "file_name": frame["image"], "width": SIZE[0], "height": SIZE[1]})
            about = {"image_id": number, "category_id": 1}
            for person in frame["people"]:
                points = np.array(person["keypoints"])
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        **about,
                        "iscrowd": 0,
                        "bbox": person["box"],
                        "area": person["box"][2] * person["box"][3],
                        "keypoints": points.ravel().tolist(),
                        "num_keypoints": int((points[:, 2] > 0).sum()),
                    }
                )
            for (x1, y1), (x2, y2) in frame["ignore"]:
                box = [x1, y1, x2 - x1, y2 - y1]
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        **about,
                        "iscrowd": 1,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "keypoints": [0] * (3 * len(skeleton)),
                        "num_keypoints": 0,
                        "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
                    }
                )
    limbs = (skeleton.limb_index + 1).tolist()
    category = {"id": 1, "name": "person", "keypoints": list(skeleton.keypoints), "skeleton": limbs}
    return {"images": images, "annotations": annotations, "categories": [category]}


def _actions(records: dict[str, list[dict[str, Any]]], skeleton: Skeleton) -> dict[str, Any]:
    """Return the content of an actions.json: a sample for each person and picture, a clip for each person."""
    samples = [
        {
            "image": frame["image"],
            "label": person["action"],
            "clip": f"{scene}_{person['number']}",
            "person": person["number"],
            "box": person["box"],
            "keypoints": person["keypoints"],
            "source": "drawn",
        }
        for scene, frames in records.items()
        for frame in frames
        for person in frame["people"]
    ]
    return {"classes": list(ACTIONS), "skeleton": skeleton.name, "samples": samples}
