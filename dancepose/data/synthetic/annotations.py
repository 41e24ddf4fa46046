"""What is written beside the pictures of drawn scenes: Labelme files, COCO or actions files, the split."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.readers.actions import write_actions
from dancepose.data.readers.labelme import write_labelme
from dancepose.data.readers.mpii import FILE, GROUPS_FILE
from dancepose.data.readers.points import rectangle
from dancepose.data.split_file import SPLIT_FILE
from dancepose.data.synthetic.classes import ACTIONS
from dancepose.data.synthetic.mpii_files import write_mpii_files
from dancepose.data.synthetic.scene import SIZE, Scene
from dancepose.data.synthetic.scene_set import PARTS, SceneSet
from dancepose.data.synthetic.truth import Truth
from dancepose.files import write_json, write_text
from dancepose.metrics.oks_tables import BODY_SHARE
from dancepose.records import Frame, Person, Region
from dancepose.skeleton import Skeleton, load_skeleton

Records = dict[str, list[dict[str, Any]]]


def annotate(scenes: SceneSet, root: Path, name: str, scene: Scene, truths: list[Truth]) -> dict[str, Any]:
    """Write a picture's Labelme file; return what stands of it in the one file of the other formats."""
    skeleton = load_skeleton(scenes.skeleton)
    people: list[Person] = []
    ignore: list[Region] = []
    for number, (actor, truth) in enumerate(zip(scene.actors, truths, strict=True)):
        if truth.labelled:  # under the same number in all pictures of a clip
            people.append(truth.person(skeleton, actor.action, number))
        elif truth.box is not None:  # a hand at the border: neither truth nor error
            x, y, w, h = truth.box
            ignore.append([rectangle(x, y, x + w, y + h)])
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
                **_head(person, scenes.format),
            }
            for person in people
        ],
        "ignore": [np.round(polygon[[0, 2]], 2).tolist() for (polygon,) in ignore],
    }


def _head(person: Person, format: str) -> dict[str, Any]:
    """Return what MPII alone has besides."""
    if format != "mpii" or person.head_box is None:
        return {}
    return {"head": np.round(person.head_box, 2).tolist()}


def frame_of(record: Mapping[str, Any], root: Path, skeleton: str, scene: str) -> Frame:
    """Return a drawn picture with its people.

    Args:
        record: what `annotate` returned of it, and `image`, its file name.
        root: the folder.
        skeleton: name of the keypoints that are labelled.
        scene: of the picture, its clip.
    """
    people = [
        Person(np.array(p["keypoints"]), box=np.array(p["box"]), id=p["number"], action=p["action"])
        for p in record["people"]
    ]
    image = root / record["image"]
    return Frame(
        image, SIZE, people, skeleton, record["image"], clip=scene, source="drawn", classes=tuple(ACTIONS)
    )


def write_joint_files(scenes: SceneSet, root: Path, records: Records) -> list[str]:
    """Write the files that speak of all pictures: split, sources, and the joint annotations.

    Args:
        scenes: what was drawn.
        root: the folder.
        records: name of each scene -> what `annotate` returned of each picture, and `image`, its file name.

    Returns:
        Their names.
    """
    skeleton = load_skeleton(scenes.skeleton)
    names: dict[str, list[str]] = {part: [] for part in PARTS}
    for scene, frames in records.items():
        # a picture in which nobody is labelled is in no part
        found = [frame["image"] for frame in frames if frame["people"]]
        names[scene.split("_")[0]] += [Path(image).name for image in found]
    clips: dict[str, list[str]] = {part: [] for part in PARTS}
    for scene, frames in records.items():
        clips[scene.split("_")[0]] += [scene] if any(frame["people"] for frame in frames) else []
    by_clip = scenes.format == "actions"
    write_json(root / SPLIT_FILE, {**(clips if by_clip else names), "by": "clip" if by_clip else "image"})
    if scenes.format == "labelme":
        source = f'{{match: "*", skeleton: {skeleton.name}, complete: true}}'
        write_text(root / "dataset.yaml", f"# drawn scenes: everybody is labelled\nsources:\n  - {source}\n")
        return [SPLIT_FILE, "dataset.yaml"]
    if scenes.format == "coco":
        write_json(root / "annotations.json", _coco(records, skeleton))
        return [SPLIT_FILE, "annotations.json"]
    if scenes.format == "mpii":
        write_mpii_files(records, skeleton, root)
        return [SPLIT_FILE, FILE, GROUPS_FILE]
    drawn = [
        frame_of(record, root, skeleton.name, scene) for scene, frames in records.items() for record in frames
    ]
    write_actions(drawn, skeleton, root / "actions.json")
    return [SPLIT_FILE, "actions.json"]


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
                        "area": BODY_SHARE * person["box"][2] * person["box"][3],
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
