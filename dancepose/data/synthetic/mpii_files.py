"""Drawn scenes as MPII's download: `mpii_human_pose_v1_u12_1.mat`, `groups_v12.mat`, `images/`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dancepose.data.mat_file import write_mat
from dancepose.data.readers.mpii import FILE, GROUPS_FILE
from dancepose.data.readers.mpii_groups import HEIGHT, touching
from dancepose.records import NOT_ANNOTATED, VISIBLE
from dancepose.skeleton import Skeleton, load_skeleton

UNMARKED = ("upper_neck", "head_top")  # MPII never says whether they are visible


def write_mpii_files(
    records: Mapping[str, Sequence[Mapping[str, Any]]], skeleton: Skeleton, root: Path
) -> None:
    """Write both .mat files in the layout of the official ones.

    Scenes of the training and validation part are training images, each scene is a video. Unlike the public
    file's, the test images have points. Who shows only a hand at the border has a place and a scale, no
    points. Groups are people whose boxes touch, and who touches nobody is in `single_person`.

    Args:
        records: name of each scene -> its pictures, see `annotations.write_joint_files`.
        skeleton: of the records' keypoints.
        root: the folder, in which the pictures lie in `images/`.
    """
    mapping, joints = skeleton.map_to(load_skeleton("mpii16")), load_skeleton("mpii16").keypoints
    annolist, train, single, groups, acts = [], [], [], [], []
    for video, (scene, frames) in enumerate(records.items(), start=1):
        for number, frame in enumerate(frames):
            people = [_person(entry, mapping.apply(_points(entry)), joints) for entry in frame["people"]]
            unseen = [_place(np.array(box).ravel()) for box in frame["ignore"]]
            together = _groups(frame)
            annolist.append(
                {
                    "image": {"name": Path(frame["image"]).name},
                    "annorect": [*people, *unseen] or None,
                    "frame_sec": number + 1,
                    "vididx": video,
                }
            )
            train.append(scene.split("_")[0] != "test")
            groups.append([np.array(group) for group in together] or None)
            alone = [group[0] for group in together if len(group) == 1]
            single.append(np.array(alone) if alone else None)
            actions = ", ".join(dict.fromkeys(person["action"] or "" for person in frame["people"]))
            acts.append({"cat_name": "drawn", "act_name": actions, "act_id": 0})
    release = {
        "annolist": annolist,
        "img_train": np.array(train, np.uint8),
        "version": "12",
        "single_person": single,
        "act": acts,
        "video_list": list(records),
    }
    write_mat(root / FILE, {"RELEASE": release})
    write_mat(root / GROUPS_FILE, {"groups": groups})


def _points(entry: Mapping[str, Any]) -> np.ndarray:
    return np.array(entry["keypoints"], np.float64)


def _person(entry: Mapping[str, Any], points: np.ndarray, joints: Sequence[str]) -> dict[str, Any]:
    """Return an `annorect`, in MATLAB's pixels, which are counted from 1."""
    x, y, w, h = entry["box"]
    marked = [
        {
            "x": px + 1,
            "y": py + 1,
            "id": joint,
            "is_visible": None if joints[joint] in UNMARKED else str(int(seen == VISIBLE)),
        }
        for joint, (px, py, seen) in enumerate(points.tolist())
        if seen != NOT_ANNOTATED
    ]
    head = dict(zip(("x1", "y1", "x2", "y2"), (v + 1 for v in entry.get("head", ())), strict=False))
    return head | {"annopoints": {"point": marked}} | _place(np.array([x, y, x + w, y + h]))


def _place(box: np.ndarray) -> dict[str, Any]:
    """Return the rough place and scale of who fills a box x1, y1, x2, y2."""
    x, y = (box[:2] + box[2:]) / 2 + 1
    return {
        "scale": float((box[2:] - box[:2]).max() / HEIGHT),
        "objpos": {"x": round(float(x)), "y": round(float(y))},
    }


def _groups(frame: Mapping[str, Any]) -> list[list[int]]:
    """Return the people of each group, counted from 1."""
    boxes = np.array([person["box"] for person in frame["people"]], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    label, person = touching(boxes, np.zeros(len(boxes), np.int64))
    return [(person[label == group] + 1).tolist() for group in np.unique(label)]
