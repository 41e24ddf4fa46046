"""Pictures of what a motion network is fed: each labelled person, cut out and changed as training does it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import TARGETS
from dancepose.data.sampler import SampleKey
from dancepose.data.sheets import TILE, labels_panel
from dancepose.inference.action_drawing import draw_pose
from dancepose.inference.drawing import contact_sheet, draw_people, write_image
from dancepose.records import Person
from dancepose.skeleton import Skeleton

Panel = tuple[str, np.ndarray]  # caption, picture
MOST = 6  # samples of a frame that are drawn


def sampled_classes(data: MotionDataModule, part: str) -> list[str | None]:
    """Return the class of each frame of a part; None of those of which no sample is made.

    These are frames that are held out of training, and those of which the data do not say what people do.

    Args:
        data: divided; its samples are single pictures.
        part: train, val or test.
    """
    answer = TARGETS[data.people.target]
    used = {frame.name for frame in data.people.frames(part)}
    return [
        next(filter(None, (answer(frame, p) for p in frame.people)), None) if frame.name in used else None
        for frame in data.frames(part)
    ]


def draw_motion_samples(
    data: MotionDataModule, part: str, chosen: Sequence[int], epochs: int, folder: Path
) -> list[dict[str, str]]:
    """Draw frames of a part: `<part>_<number>.jpg` of each, with its people's crops, and all in `<part>.jpg`.

    A frame without a picture shows its keypoints on a plain ground.

    Args:
        data: divided.
        part: train, val or test.
        chosen: indices of its frames; without any nothing is drawn.
        epochs: training samples of each person.
        folder: for the pictures.

    Returns:
        Which file shows which frame.
    """
    if not chosen:
        return []
    frames, dataset = data.frames(part), data.dataset(part)
    numbers: dict[str, list[int]] = {}
    for number, sample in enumerate(dataset.samples):
        numbers.setdefault(sample.middle[0].name, []).append(number)
    shown: list[dict[str, str]] = []
    panels: list[Panel] = []
    for number, index in enumerate(chosen):
        frame, name = frames[index], f"{part}_{number:03d}.jpg"
        of_frame = numbers.get(frame.name, [])[:MOST]
        rounds = range(epochs if part == "train" else 1)
        crops = [_crop(dataset, s, epoch, data.actions, data.skeleton) for s in of_frame for epoch in rounds]
        if not crops:  # of the samples held out, or without an action
            continue
        first = [] if frame.image is None else [labels_panel(frame, data.skeleton)]
        clip = "" if frame.clip is None else f"   clip {frame.clip}"
        captions, pictures = zip(*first, *crops, strict=True)
        write_image(folder / name, contact_sheet(pictures, captions, None, TILE, f"{frame.name}{clip}"))
        shown.append({"file": f"pictures/{name}", "frame": frame.name})
        panels += crops
    if panels:
        captions, pictures = zip(*panels, strict=True)
        write_image(folder / f"{part}.jpg", contact_sheet(pictures, captions, None, TILE, part))
    return shown


def _crop(
    dataset: MotionDataset, number: int, epoch: int, actions: Sequence[str], skeleton: Skeleton
) -> Panel:
    """Draw a sample as the network is fed it, its keypoints on top."""
    picture, keypoints = dataset.picture(SampleKey(epoch, number))
    sample = dataset.samples[number]
    known = int((keypoints[:, 2] > 0).sum())
    caption = f"{actions[sample.label]}  epoch {epoch}, keypoints: {known}"
    if picture is None:
        return caption, draw_pose(Person(keypoints), skeleton, TILE)
    return caption, draw_people(picture, [Person(keypoints)], skeleton)
