"""Pictures of what a network is fed: labels, samples, heatmaps and masks of a data module."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from dancepose.codecs.base import Codec
from dancepose.data.actions import has_keypoints
from dancepose.data.datamodules import PoseDataModule
from dancepose.data.dataset import EvaluationDataset
from dancepose.data.images import read_image
from dancepose.data.problems import Problems
from dancepose.errors import DataError
from dancepose.inference.action_drawing import draw_actions
from dancepose.inference.drawing import (
    contact_sheet,
    draw_mask,
    draw_people,
    resize_with_people,
    write_image,
)
from dancepose.inference.geometry import apply_matrix, invert_matrix
from dancepose.inference.heat import draw_heatmaps
from dancepose.inference.pose import to_original
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

Panel = tuple[str, np.ndarray]  # caption, picture

TILE = 360  # longer side of a picture on a sheet, in pixels
LEGEND = "orange: left, blue: right, white: middle, ring: occluded"


def choose(
    frames: Sequence[Frame],
    count: int,
    seed: int,
    unusable: Problems,
    pictures: bool = True,
    classes: Sequence[str | None] | None = None,
) -> tuple[list[int], Problems]:
    """Draw some frames whose images can be read.

    Args:
        frames: to draw from.
        count: at most so many.
        seed: of the draw.
        unusable: what is known of their images; those are passed over.
        pictures: pass over frames of sources that have no pictures, too.
        classes: what each frame shows: frames of None are passed over, and those of different classes come
            first; None: all frames are alike.

    Returns:
        Indices in the order of the frames, and the images that turned out to be broken behind a sound header.
    """
    known = {word for problem in unusable for word in (problem.file, problem.detail)}
    chosen: list[int] = []
    found = Problems()
    order = np.random.default_rng(seed).permutation(len(frames)).tolist()
    images = [frame.image for frame in frames]
    order = [i for i in order if str(images[i]) not in known and not (images[i] is None and pictures)]
    for index in order if classes is None else _in_turn(order, classes):
        if len(chosen) == count:
            break
        image = images[index]
        if image is None:
            chosen.append(index)
            continue
        try:
            read_image(image)
        except DataError as error:
            found.add("image broken", image, detail=str(error))
            continue
        chosen.append(index)
    return sorted(chosen), found


def _in_turn(order: Sequence[int], classes: Sequence[str | None]) -> list[int]:
    """Return indices by turns of each class, in their order; those of no class are left out."""
    queues: dict[str, list[int]] = {}
    for index in order:
        if (name := classes[index]) is not None:
            queues.setdefault(name, []).append(index)
    rounds = zip_longest(*queues.values())
    return [index for turn in rounds for index in turn if index is not None]


def draw_samples(
    data: PoseDataModule, part: str, chosen: Sequence[int], epochs: int, folder: Path
) -> list[dict[str, str]]:
    """Draw frames of a part: `<part>_<number>.jpg` of each, and `<part>.jpg` with their samples side by side.

    A frame without keypoints, which no network for poses is fed, is shown as it is labelled.

    Args:
        data: divided.
        part: train, val or test.
        chosen: indices of its frames; without any nothing is drawn.
        epochs: training samples of each.
        folder: for the pictures.

    Returns:
        Which file shows which frame.
    """
    if not chosen:
        return []
    frames = data.frames(part)
    shown, tiles, captions = [], [], []
    for number, index in enumerate(chosen):
        frame, name = frames[index], f"{part}_{number:03d}.jpg"
        samples = []
        if has_keypoints(frame):
            samples = [_panels(*sample, data.codec) for sample in _samples(data, part, index, epochs)]
        write_image(folder / name, _sheet(frame, samples, data.skeleton))
        shown.append({"file": f"pictures/{name}", "frame": frame.name})
        first = [panels[0] for panels in samples] or [("", labels_panel(frame, data.skeleton)[1])]
        tiles += [picture for _, picture in first]
        captions += [f"{frame.name}  {caption}".rstrip() for caption, _ in first]
    columns = epochs if part == "train" and epochs > 1 and len(tiles) == epochs * len(chosen) else None
    legend = LEGEND if any(has_keypoints(frames[index]) for index in chosen) else ""
    write_image(folder / f"{part}.jpg", contact_sheet(tiles, captions, columns, TILE, f"{part}   {legend}"))
    return shown


def _sheet(frame: Frame, samples: list[list[Panel]], skeleton: Skeleton) -> np.ndarray:
    """Put a frame as it is labelled beside its samples: a column each, or one row if there is but one."""
    original = labels_panel(frame, skeleton)
    if len(samples) < 2:
        rows = [[original, *(panel for panels in samples for panel in panels)]]
    else:
        blank = ("", np.full((1, TILE, 3), 255, np.uint8))
        rows = [[blank, *panels] for panels in zip(*samples, strict=True)]
        rows[0][0] = original
    captions, pictures = zip(*(panel for row in rows for panel in row), strict=True)
    clip = "" if frame.clip is None else f"   clip {frame.clip}"
    return contact_sheet(pictures, captions, len(rows[0]), TILE, f"{frame.name}{clip}")


def _samples(
    data: PoseDataModule, part: str, index: int, epochs: int
) -> Iterator[tuple[str, np.ndarray, Frame]]:
    """Yield what the network is fed of a frame: a name, the picture (H, W, 3), the frame in its pixels."""
    if part == "train":
        dataset = data.train_dataset()
        for epoch in range(epochs):
            yield f"epoch {epoch}", *dataset.crop((epoch, index))
        return
    sample = EvaluationDataset(data.frames(part), data.geometry)[index]
    picture = sample["image"].permute(1, 2, 0).numpy()
    inverse, frame = invert_matrix(sample["matrix"]), sample["frame"]
    moved = replace(
        frame,
        size=(picture.shape[1], picture.shape[0]),
        people=to_original(frame.people, inverse),  # the same step with the inverse matrix
        ignore=[[apply_matrix(inverse, polygon) for polygon in region] for region in frame.ignore],
    )
    yield "input", picture, moved


def labels_panel(frame: Frame, skeleton: Skeleton) -> Panel:
    """Draw a frame as it is labelled."""
    small, people = resize_with_people(read_image(frame.image), frame.people, TILE)
    complete = "" if frame.complete else ", incomplete"
    caption = f"{frame.size[0]} x {frame.size[1]}, labelled people: {len(people)}{complete}"
    return caption, draw_actions(draw_people(small, people, skeleton), people)


def _panels(label: str, picture: np.ndarray, frame: Frame, codec: Codec) -> list[Panel]:
    """Draw a sample: its people, then each of its targets that are heatmaps, hatched where they do not count.

    Whatever codec it is, its targets of three dimensions are shown as heatmaps, and a weight of the same
    height and width as their mask.
    """
    targets, weights = codec.encode(frame, frame.size)
    small, people = resize_with_people(picture, frame.people, TILE)
    visible = sum(int(person.present.sum()) for person in people)
    drawn = draw_actions(draw_people(small, people, codec.skeleton), people)
    panels = [(f"{label}, keypoints: {visible}", drawn)]
    for name, maps in targets.items():
        if maps.ndim != 3:
            continue
        drawn = draw_heatmaps(small, maps, peak=float(maps.max()) or 1.0)
        caption = f"{name} {maps.shape[2]} x {maps.shape[1]}"
        for weight in weights.values():
            if weight.shape == maps.shape[1:]:
                drawn = draw_mask(drawn, weight)
                caption += f", not in the loss: {1 - weight.mean():.0%}"
        panels.append((caption, drawn))
    return panels
