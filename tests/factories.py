"""Small synthetic data sets for tests: stick people drawn on noise, with their labels.

`from factories import make_labelme, make_coco` works in every test, for `tests/` is on the path.
"""

import json
from collections.abc import Collection
from pathlib import Path

import cv2
import numpy as np

from dancepose.codecs.base import Codec, Found, OutputSpec
from dancepose.records import OCCLUDED, VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton, load_skeleton

# where a keypoint lies in a standing body: x from the middle (its left is on the right), y downwards
BODY = {
    "head_top": (0.0, 0.0),
    "nose": (0.0, 0.08),
    "left_eye": (0.02, 0.065),
    "right_eye": (-0.02, 0.065),
    "left_ear": (0.05, 0.075),
    "right_ear": (-0.05, 0.075),
    "upper_neck": (0.0, 0.15),
    "neck": (0.0, 0.2),
    "thorax": (0.0, 0.21),
    "left_shoulder": (0.12, 0.2),
    "right_shoulder": (-0.12, 0.2),
    "left_elbow": (0.17, 0.36),
    "right_elbow": (-0.17, 0.36),
    "left_wrist": (0.2, 0.5),
    "right_wrist": (-0.2, 0.5),
    "pelvis": (0.0, 0.5),
    "left_hip": (0.08, 0.5),
    "right_hip": (-0.08, 0.5),
    "left_knee": (0.1, 0.75),
    "right_knee": (-0.1, 0.75),
    "left_ankle": (0.11, 1.0),
    "right_ankle": (-0.11, 1.0),
}


def stick_person(
    skeleton: Skeleton, left: float, top: float, height: float, rng: np.random.Generator
) -> np.ndarray:
    """Return (K, 3) keypoints, all visible, of a body whose box starts at (left, top)."""
    width = 0.5 * height
    points = np.array([BODY[name] for name in skeleton.keypoints])
    limbs = np.array(
        [name.split("_")[-1] in ("elbow", "wrist", "knee", "ankle") for name in skeleton.keypoints]
    )
    points = points + np.where(limbs[:, None], rng.uniform(-0.04, 0.04, points.shape), 0)
    xy = np.array([left + width / 2, top]) + np.clip(points, [-0.25, 0], [0.25, 1.0]) * height
    return np.column_stack([np.round(xy, 2), np.full(len(points), float(VISIBLE))])


def draw_person(image: np.ndarray, keypoints: np.ndarray, skeleton: Skeleton) -> None:
    """Draw limbs as lines and each keypoint as a disk of its own colour, in place."""
    height = np.ptp(keypoints[:, 1])
    scaled = np.round(keypoints[:, :2] * 16).astype(int)
    for a, b in skeleton.limb_index:
        cv2.line(
            image, scaled[a].tolist(), scaled[b].tolist(), (200, 200, 200), max(1, int(height / 40)), 16, 4
        )
    for k, point in enumerate(scaled):
        hue = np.uint8([[[180 * k // len(scaled), 255, 255]]])
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        cv2.circle(image, point.tolist(), max(16, int(height * 16 / 35)), colour, -1, 16, 4)


def make_frames(
    root: Path,
    frames: int = 6,
    people: int = 2,
    skeleton: str = "mpii15",
    size: tuple[int, int] = (160, 128),
    seed: int = 0,
    suffix: str = ".jpg",
    folder: str = "",
) -> list[Frame]:
    """Write images of stick people below `root` and return what is true of them."""
    kind = load_skeleton(skeleton)
    rng = np.random.default_rng(seed)
    (root / folder).mkdir(parents=True, exist_ok=True)
    made = []
    for index in range(frames):
        width, height = size
        image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
        persons = []
        for p in range(people):
            column = width / people
            tall = min(0.9 * height, 2 * column) * rng.uniform(0.75, 0.95)
            left = p * column + rng.uniform(0, max(0.0, column - tall / 2))
            top = rng.uniform(1, height - 2 - tall)
            keypoints = stick_person(kind, left, top, tall, rng)
            draw_person(image, keypoints, kind)
            keypoints[rng.integers(len(kind)), 2] = OCCLUDED
            persons.append(Person(keypoints, id=p))
        name = str(Path(folder) / f"frame_{index:03d}{suffix}")
        cv2.imwrite(str(root / name), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        made.append(Frame(root / name, size, persons, skeleton, name, np.ones(len(kind), bool)))
    return made


def make_labelme(
    root: Path,
    frames: int = 6,
    people: int = 2,
    skeleton: str = "mpii15",
    size: tuple[int, int] = (160, 128),
    seed: int = 0,
    suffix: str = ".jpg",
    folder: str = "",
    without: Collection[str] = (),
) -> list[Frame]:
    """Write a folder of images and Labelme JSON files; return what is true of them.

    Args:
        root: folder, made if absent.
        frames: number of pictures, `frame_000.jpg` and so on.
        people: people in each, side by side; one keypoint of each is occluded.
        skeleton: the keypoints that are labelled.
        size: width and height in pixels.
        seed: of positions, poses and noise.
        suffix: of the image files.
        folder: put them into a folder below `root`.
        without: keypoints that are not written.
    """
    kind = load_skeleton(skeleton)
    made = make_frames(root, frames, people, skeleton, size, seed, suffix, folder)
    for frame in made:
        shapes = [
            labelme_point(name, x, y, person.id, occluded=v == OCCLUDED)
            for person in frame.people
            for name, (x, y, v) in zip(kind.keypoints, person.keypoints.tolist(), strict=True)
            if name not in without
        ]
        write_labelme_json((root / frame.name).with_suffix(".json"), shapes, frame.image.name, frame.size)
    return made


def labelme_point(label: str, x: float, y: float, group: int | None = 0, occluded: bool = False) -> dict:
    """Return a Labelme point shape."""
    return labelme_shape(label, [[x, y]], "point", group, {"occluded": occluded})


def labelme_shape(
    label: str, points: list, kind: str, group: int | None = None, flags: dict | None = None
) -> dict:
    """Return a Labelme shape."""
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "shape_type": kind,
        "flags": flags or {},
        "description": "",
    }


def write_labelme_json(
    path: Path, shapes: list[dict], image: str, size: tuple[int, int], flags: dict | None = None
) -> Path:
    """Write a Labelme file as the Labelme program does."""
    content = {
        "version": "5.4.1",
        "flags": flags or {},
        "shapes": shapes,
        "imagePath": image,
        "imageData": None,
        "imageHeight": size[1],
        "imageWidth": size[0],
    }
    path.write_text(json.dumps(content, indent=2))
    return path


def make_coco(
    root: Path,
    frames: int = 6,
    people: int = 2,
    skeleton: str = "coco17",
    size: tuple[int, int] = (160, 128),
    seed: int = 0,
) -> list[Frame]:
    """Write `images/` and `annotations.json` in COCO's keypoint format; return what is true of them."""
    kind = load_skeleton(skeleton)
    made = make_frames(root / "images", frames, people, skeleton, size, seed)
    images, annotations = [], []
    for number, frame in enumerate(made, start=1):
        images.append({"id": number, "file_name": frame.name, "width": size[0], "height": size[1]})
        for person in frame.people:
            low, high = person.keypoints[:, :2].min(0), person.keypoints[:, :2].max(0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "keypoints": person.keypoints.ravel().tolist(),
                    "num_keypoints": len(kind),
                    "iscrowd": 0,
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "area": float(np.prod(high - low)),
                }
            )
    category = {"id": 1, "name": "person", "keypoints": list(kind.keypoints), "skeleton": []}
    content = {"info": {}, "images": images, "annotations": annotations, "categories": [category]}
    (root / "annotations.json").write_text(json.dumps(content))
    return made


# overrides of a motion training: network and pictures small enough for a test, in the shape of the real ones
TINY_MOTION = [
    "experiment=motion_paper",
    "data=action",
    "model.depth=18",
    "model.width=8",
    "data.size=32",
    "data.resize=36",
    "data.batch_size=4",
    "data.workers=0",
    "data.val=0.2",
    "data.test=0.2",
    "trainer=cpu",
    "trainer.max_epochs=2",
    "callbacks.motion_pictures.every=9",  # drawing takes longer than training here
]


def make_actions(
    root: Path,
    clips: int = 6,
    length: int = 2,
    people: int = 2,
    classes: tuple[str, ...] = ("wave", "walk", "other"),
    skeleton: str = "openpose18",
    keypoints: bool = True,
    size: tuple[int, int] = (96, 64),
    seed: int = 0,
) -> list[Frame]:
    """Write pictures and `actions.json`: person p of clip c does class c + p; return what is true of them.

    Without keypoints there are no boxes either, as in the real frames.
    """
    made = []
    for clip in range(clips):
        frames = make_frames(root, length, people, skeleton, size, seed + clip, folder=f"clip_{clip}")
        for frame in frames:
            frame.clip, frame.classes, frame.complete = f"clip_{clip}", classes, False
            for number, person in enumerate(frame.people):
                person.action = classes[(clip + number) % len(classes)]
                low, high = person.keypoints[:, :2].min(0), person.keypoints[:, :2].max(0)
                person.box = np.array([*low, *(high - low)])
                if not keypoints:
                    person.box, person.keypoints = None, np.zeros_like(person.keypoints)
        made += frames
    samples = [
        {
            "image": frame.name,
            "label": person.action,
            "clip": frame.clip,
            "person": person.id,
            "box": None if person.box is None else person.box.tolist(),
            "keypoints": person.keypoints.tolist() if keypoints else None,
            "source": None,
        }
        for frame in made
        for person in frame.people
    ]
    content = {"classes": list(classes), "skeleton": skeleton if keypoints else None, "samples": samples}
    (root / "actions.json").write_text(json.dumps(content))
    return made


class PointsCodec(Codec):
    """A codec whose targets are the keypoints themselves: for tests of what comes before and after codecs."""

    def __init__(self, skeleton: Skeleton, max_people: int = 8):
        self.skeleton, self.max_people = skeleton, max_people

    @property
    def outputs(self) -> list[OutputSpec]:
        return [OutputSpec(4, len(self.skeleton))]

    def encode(self, frame, size):
        points = np.zeros((self.max_people, len(self.skeleton), 3), dtype=np.float32)
        for row, person in zip(points, frame.people, strict=False):
            row[:] = person.keypoints
        return {"points": points}, {"labelled": np.array(frame.labelled, dtype=np.float32)}

    def loss(self, outputs, targets, weights):
        return {"heat": outputs[0].square().mean() + 0 * targets["points"].sum()}

    def flip(self, outputs):
        return [output.flip(-1)[:, self.skeleton.flip_index] for output in outputs]

    def merge(self, outputs):
        return outputs[0]

    def find(self, outputs):
        return [Found([]) for _ in outputs[0]]

    def peaks(self, outputs):
        return np.zeros((len(outputs[0]), len(self.skeleton), 3))

    def heatmaps(self, outputs):
        return outputs[0]


def blank_picture(path: Path, size: tuple[int, int] = (12, 8)) -> Path:
    """Write a black picture of a width and height, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((size[1], size[0], 3), np.uint8))
    return path


def stick_rows(rows: int, skeleton: str = "openpose18", seed: int = 0) -> np.ndarray:
    """Return (rows, K, 2) keypoints of stick people."""
    kind, rng = load_skeleton(skeleton), np.random.default_rng(seed)
    return np.stack([stick_person(kind, 10, 10, 100, rng)[:, :2] for _ in range(rows)])


def make_archive(path: Path, labels: list[str], blocks: int = 5, length: int = 4, **arrays) -> dict:
    """Write a skeleton archive of openpose18: of each label so many clips one after the other, one source.

    Args:
        path: of the .npz.
        labels: in the order of the file.
        blocks: clips of each label.
        length: rows of each clip.
        arrays: other arrays, instead of what is written; None leaves one out.

    Returns:
        The arrays.
    """
    clips = [f"{label}/{b}" for label in labels for b in range(blocks)]
    content = {
        "xy": stick_rows(len(clips) * length).astype(np.float32),
        "conf": np.full((len(clips) * length, 18), 0.9, np.float32),
        "label": np.repeat(labels, blocks * length),
        "clip": np.repeat(clips, length),
        "source": np.full(len(clips) * length, "drawn"),
        "names": np.array(load_skeleton("openpose18").keypoints),
    }
    content = {name: array for name, array in {**content, **arrays}.items() if array is not None}
    np.savez(path, **content)
    return content


def pyskl_content(clips: int = 6, people: int = 2, length: int = 3, classes: int = 3) -> dict:
    """Return what a PYSKL pickle of coco17 holds: clip c shows label c modulo classes."""
    annotations = [
        {
            "frame_dir": f"clip_{c}",
            "label": c % classes,
            "img_shape": (120, 160),
            "original_shape": (120, 160),
            "total_frames": length,
            "keypoint": stick_rows(people * length, "coco17", c).reshape(people, length, 17, 2),
            "keypoint_score": np.full((people, length, 17), 0.9, np.float16),
        }
        for c in range(clips)
    ]
    names = [annotation["frame_dir"] for annotation in annotations]
    return {"split": {"sub_train": names[:-2], "sub_val": names[-2:]}, "annotations": annotations}
