"""What lies in a folder of drawn scenes, and whether it is still as it was drawn."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dancepose.data.json_file import BrokenFile, load_mapping
from dancepose.errors import DataError
from dancepose.files import SUFFIX, write_json, write_text

if TYPE_CHECKING:
    from dancepose.data.synthetic.scene_set import SceneSet

MANIFEST = ".manifest.json"  # says what is drawn and, once all is there, sizes of files and digests of labels
RECORDS = ".records"  # folder of a file for each scene that is drawn
LABELS = (".json", ".yaml", ".mat")  # endings of files of labels
FOLDERS = ("", "images/", f"{RECORDS}/")  # that files lie in, below the root

Record = dict[str, Any]


def is_drawn(root: Path) -> bool:
    """Return whether a folder holds drawn scenes, all of them or not."""
    return (root / MANIFEST).is_file() or (root / RECORDS).is_dir()


def is_whole(scenes: SceneSet, root: Path) -> bool:
    """Return whether a folder holds this very data set, with every file as large as it was drawn.

    Raises:
        DataError: it holds another, or files of unknown origin.
    """
    manifest = _mapping(root / MANIFEST)
    if manifest is None:
        foreign = [p.name for p in root.iterdir() if not p.name.startswith(".")]
        if foreign and not (root / RECORDS).is_dir():
            raise DataError(
                f"{root} is not empty and no drawn data set ({foreign[0]}, ...): give another root"
            )
        return False
    if manifest.get("hash") != scenes.hash:
        about = _differences(manifest, scenes)
        raise DataError(f"{root} holds another drawn data set ({about}): give another root, or remove it")
    files = manifest.get("files") or {}
    whole = bool(manifest.get("complete") and files) and not _changed(_sizes(root), files)
    if not whole:
        return False
    drawn = (root / MANIFEST).stat().st_mtime_ns  # only what was written since can have been changed
    labels = (manifest.get("labels") or {}).items()
    return not _edited(root, {n: kept for n, kept in labels if (root / n).stat().st_mtime_ns >= drawn})


def _differences(manifest: Mapping[str, Any], scenes: SceneSet) -> str:
    """Return in which settings the data set of a manifest differs from one that is asked for."""
    there = manifest.get("scenes")
    known = there if isinstance(there, Mapping) else {}
    told = [
        f"there {key}={known[key]}, not {value}"
        for key, value in asdict(scenes).items()
        if key in known and known[key] != value
    ]
    return ", ".join(told) or f"drawn by version {manifest.get('version')} of the drawing"


@dataclass(frozen=True)
class Found:
    """What there is of a data set that is not whole.

    Attributes:
        records: scene -> its record, for scenes that need not be drawn.
        damaged: files that were drawn, and are missing or no longer as they were.
    """

    records: dict[str, Record]
    damaged: list[str]


def take_stock(scenes: SceneSet, root: Path) -> Found:
    """Find the scenes that need not be drawn; who calls holds the folder's lock.

    Raises:
        DataError: a scene is of another data set, or somebody has changed a file of labels.
    """
    manifest, there = _mapping(root / MANIFEST), _sizes(root)
    expected = dict((manifest or {}).get("files") or {})
    labels = dict((manifest or {}).get("labels") or {})
    records: dict[str, Record] = {}
    for scene in scenes.scene_names():
        if _place(scene) not in there:
            continue
        record = _mapping(record_file(root, scene)) or {}
        if record.get("hash", scenes.hash) != scenes.hash:
            raise DataError(f"{root} holds scenes of another drawn data set ({scene}): give another root")
        if record.get("files"):
            records[scene] = record
            expected |= record["files"]
            labels |= record.get("labels") or {}
        else:
            expected[_place(scene)] = -1  # it is cut
    damaged = _changed(there, expected)
    damaged += [name for name in _edited(root, labels) if name not in damaged]
    for name in damaged:
        if name in there and _is_somebodys(root, name, there[name] < expected[name]):
            raise DataError(
                f"{root / name} has been changed since it was drawn. Remove it, and it is drawn again; to "
                "use it as it is, name the folder as labelled data of your own"
            )
    broken = set(damaged)
    whole = {
        scene: record for scene, record in records.items() if not broken & {_place(scene), *record["files"]}
    }
    if manifest is None and records:
        damaged.append(MANIFEST)
    return Found(whole, damaged)


def record_file(root: Path, scene: str) -> Path:
    """Return the file that tells that a scene is whole, and what the joint files need of it."""
    return root / _place(scene)


def write_record(scenes: SceneSet, root: Path, scene: str, frames: list[Record]) -> None:
    """Write the record of a scene whose other files are written.

    Args:
        scenes: what is drawn.
        root: the folder.
        scene: name of the scene.
        frames: of each picture `image`, its file, and what `annotations.annotate` returned.
    """
    pictures = [frame["image"] for frame in frames]
    names = [*pictures, *(str(Path(name).with_suffix(".json")) for name in pictures)]
    files = {name: (root / name).stat().st_size for name in names if (root / name).is_file()}
    # without indents, which json writes in Python and much slower
    record = {"hash": scenes.hash, "files": files, "labels": _digests(root, files), "frames": frames}
    text = json.dumps(record)
    write_text(record_file(root, scene), text)


def read_frames(root: Path, scene: str) -> list[Record]:
    """Return what is recorded of each picture of a scene."""
    frames: list[Record] = load_mapping(record_file(root, scene))["frames"]
    return frames


def write_manifest(scenes: SceneSet, root: Path, version: int, joint: list[str] | None = None) -> None:
    """Write what a folder holds.

    Args:
        scenes: what is drawn.
        root: the folder.
        version: of the drawing.
        joint: once all is drawn, the files that speak of all pictures.
    """
    about = {"scenes": asdict(scenes), "version": version, "hash": scenes.hash}
    if joint is None:
        write_json(root / MANIFEST, {**about, "complete": False})
        return
    there, files, labels = _sizes(root), dict[str, int](), _digests(root, joint)
    for scene in scenes.scene_names():
        record = load_mapping(record_file(root, scene))
        files |= {_place(scene): there[_place(scene)], **record["files"]}
        labels |= record.get("labels") or {}  # none of what an earlier version drew
    files |= {name: there[name] for name in joint}
    write_json(root / MANIFEST, {**about, "complete": True, "files": files, "labels": labels})


def _place(scene: str) -> str:
    return f"{RECORDS}/{scene}.json"


def _sizes(root: Path) -> dict[str, int]:
    """Return the size in bytes of each file by its path below the folder."""
    found: dict[str, int] = {}
    for folder in FOLDERS:
        if (root / folder).is_dir():
            with os.scandir(root / folder) as entries:
                whole = (entry for entry in entries if entry.is_file() and not entry.name.endswith(SUFFIX))
                found |= {folder + entry.name: entry.stat().st_size for entry in whole}
    return found


def _changed(there: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    return [name for name, size in expected.items() if there.get(name) != size]


def _digests(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the digest of each file of labels among those named."""
    wanted = [name for name in names if Path(name).suffix in LABELS]
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest()[:16] for name in wanted}


def _edited(root: Path, labels: Mapping[str, str]) -> list[str]:
    """Return the files of labels that are there with other content; their size may be as it was."""
    there = [name for name in labels if (root / name).is_file()]
    return [name for name, digest in _digests(root, there).items() if digest != labels[name]]


def _is_somebodys(root: Path, name: str, shorter: bool) -> bool:
    """Return whether a file that is not as it was drawn is labels that somebody has changed, not cut ones."""
    if name.startswith(RECORDS) or (root / name).suffix not in LABELS:
        return False
    return not shorter or name.endswith(".yaml") or _mapping(root / name) is not None


def _mapping(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file holds; None where it is missing or broken."""
    try:
        return load_mapping(path)
    except BrokenFile:
        return None
