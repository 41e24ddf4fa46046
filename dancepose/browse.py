"""`dancepose-browse`: see what a network would be fed, and what is wrong with a data set."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from omegaconf import DictConfig

    from dancepose.codecs.base import Codec
    from dancepose.data.datamodules import PoseDataModule
    from dancepose.data.problems import Problems
    from dancepose.records import Frame
    from dancepose.skeleton import Skeleton

    Counts = dict[str, dict[str, float]]  # keypoint -> annotated, occluded, labelled
    Panel = tuple[str, np.ndarray]  # caption, picture

log = logging.getLogger(__name__)

TILE = 360  # longer side of a picture on a sheet, in pixels
LEGEND = "orange: left, blue: right, white: middle, ring: occluded"


def browse(cfg: DictConfig) -> None:
    """Write pictures of samples and a listing of the data set; no network is built.

    Leaves `browse.json` (counts, keypoints, split, problems), `pictures/<part>.jpg` (samples side by side),
    and `pictures/<part>_<number>.jpg` (one picture each: its labels, its samples, their heatmaps and masks).

    Args:
        cfg: what conf/browse.yaml composes to, its keys checked.

    Raises:
        ConfigError: a value is wrong.
        DataError: the data cannot be read at all; single broken files are listed instead.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.build import build_codec, model_config
    from dancepose.checks import at_least, one_of
    from dancepose.data.splits import PARTS
    from dancepose.files import write_json
    from dancepose.skeleton import Skeleton
    from dancepose.targets import instantiate, plain

    one_of("part", cfg.part, PARTS)
    at_least("count", cfg.count, 0)
    at_least("epochs", cfg.epochs, 1)
    folder = Path(cfg.out or HydraConfig.get().runtime.output_dir)
    skeleton = Skeleton.from_dict(plain(cfg.skeleton))
    codec = build_codec(model_config(plain(cfg.model)), skeleton)
    data = instantiate(cfg.data, skeleton=skeleton, codec=codec, seed=cfg.seed)

    keypoints = {part: keypoint_counts(data.frames(part), skeleton) for part in PARTS}
    problems = _problems(data)
    for text in (data.summary(), keypoint_table(keypoints), problems.report()):
        log.info("%s\n", text)
    shown = _draw(data, cfg.part, cfg.count, cfg.epochs, folder / "pictures")
    listing = {
        "skeleton": skeleton.name,
        "split": {"hash": data.split_hash, **{part: len(data.frames(part)) for part in PARTS}},
        "data": data.data_hash,
        "counts": data.counts(),
        "keypoints": keypoints,
        "problems": {"counts": problems.counts(), "all": [vars(problem) for problem in problems]},
        "pictures": shown,
    }
    write_json(folder / "browse.json", listing)
    log.info("%d pictures and browse.json written to %s", len(shown), folder)


def keypoint_counts(frames: Sequence[Frame], skeleton: Skeleton) -> Counts:
    """Count each keypoint over frames.

    Returns:
        Keypoint -> `annotated`; `occluded`, among these; `labelled`: the share of frames whose source labels
        this keypoint at all.
    """
    counts = {}
    for k, name in enumerate(skeleton.keypoints):
        visibility = [person.keypoints[k, 2] for frame in frames for person in frame.people]
        labelled = [frame.labelled is None or bool(frame.labelled[k]) for frame in frames]
        counts[name] = {
            "annotated": sum(bool(v > 0) for v in visibility),
            "occluded": sum(bool(v == 1) for v in visibility),
            "labelled": round(sum(labelled) / len(labelled), 4) if labelled else 0.0,
        }
    return counts


def keypoint_table(keypoints: dict[str, Counts]) -> str:
    """Return the keypoint counts of the parts that have people, as text."""
    parts = [part for part, counts in keypoints.items() if any(c["annotated"] for c in counts.values())]
    names = list(next(iter(keypoints.values())))
    width = max(len(name) for name in names)
    lines = [" " * width + "".join(f"  {part:>20}" for part in parts)]
    for name in names:
        cells = [keypoints[part][name] for part in parts]
        texts = [f"{c['annotated']} ({c['occluded']}) {c['labelled']:>5.0%}" for c in cells]
        lines.append(f"{name:{width}}" + "".join(f"  {text:>20}" for text in texts))
    lines.append("keypoints annotated (of these occluded), share of pictures whose source labels them")
    return "\n".join(lines)


def _problems(data: PoseDataModule) -> Problems:
    """Return what readers and splits found, and what is wrong with the image files; each finding once."""
    from dancepose.data.problems import Problems
    from dancepose.data.splits import PARTS

    found = list(data.problems)
    for part in PARTS:
        found += data.data.check_images(part)
    return Problems(dict.fromkeys(found))


def _draw(data: PoseDataModule, part: str, count: int, epochs: int, folder: Path) -> list[dict[str, str]]:
    """Draw some pictures of a part; return which file shows which frame."""
    import numpy as np

    from dancepose.data.images import check_images
    from dancepose.inference.drawing import contact_sheet, write_image

    frames = data.frames(part)
    order = np.random.default_rng(data.seed).permutation(len(frames)).tolist()
    readable = (index for index in order if not len(check_images([frames[index]])))
    chosen = sorted(index for _, index in zip(range(count), readable, strict=False))
    if not chosen:
        return []
    shown, tiles, captions = [], [], []
    for number, index in enumerate(chosen):
        frame, name = frames[index], f"{part}_{number:03d}.jpg"
        samples = [_panels(*sample, data.codec) for sample in _samples(data, part, index, epochs)]
        write_image(folder / name, _sheet(frame, samples, data.skeleton))
        shown.append({"file": f"pictures/{name}", "frame": frame.name})
        tiles += [panels[0][1] for panels in samples]
        captions += [f"{frame.name}  {panels[0][0]}" for panels in samples]
    columns = epochs if part == "train" and epochs > 1 else None
    write_image(folder / f"{part}.jpg", contact_sheet(tiles, captions, columns, TILE, f"{part}   {LEGEND}"))
    return shown


def _sheet(frame: Frame, samples: list[list[Panel]], skeleton: Skeleton) -> np.ndarray:
    """Put a frame as it is labelled beside its samples: a column each, or one row if there is but one."""
    import numpy as np

    from dancepose.inference.drawing import contact_sheet

    original = _labels(frame, skeleton)
    if len(samples) == 1:
        rows = [[original, *samples[0]]]
    else:
        blank = ("", np.full((1, TILE, 3), 255, np.uint8))
        rows = [[blank, *panels] for panels in zip(*samples, strict=True)]
        rows[0][0] = original
    captions, pictures = zip(*(panel for row in rows for panel in row), strict=True)
    return contact_sheet(pictures, captions, len(rows[0]), TILE, frame.name)


def _samples(
    data: PoseDataModule, part: str, index: int, epochs: int
) -> Iterator[tuple[str, np.ndarray, Frame]]:
    """Yield what the network is fed of a frame: a name, the picture (H, W, 3), the frame in its pixels."""
    from dataclasses import replace

    from dancepose.data.dataset import EvaluationDataset
    from dancepose.inference.geometry import apply_matrix, invert_matrix
    from dancepose.inference.pose import to_original

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
        ignore=[apply_matrix(inverse, polygon) for polygon in frame.ignore],
    )
    yield "input", picture, moved


def _labels(frame: Frame, skeleton: Skeleton) -> Panel:
    """Draw a frame as it is labelled."""
    from dancepose.data.images import read_image
    from dancepose.inference.drawing import draw_people, resize_with_people

    small, people = resize_with_people(read_image(frame.image), frame.people, TILE)
    complete = "" if frame.complete else ", incomplete"
    caption = f"{frame.size[0]} x {frame.size[1]}, labelled people: {len(people)}{complete}"
    return caption, draw_people(small, people, skeleton)


def _panels(label: str, picture: np.ndarray, frame: Frame, codec: Codec) -> list[Panel]:
    """Draw a sample: its people, then each of its targets that are heatmaps, hatched where they do not count.

    Whatever codec it is, its targets of three dimensions are shown as heatmaps, and a weight of the same
    height and width as their mask.
    """
    from dancepose.inference.drawing import draw_heatmaps, draw_mask, draw_people, resize_with_people

    targets, weights = codec.encode(frame, frame.size)
    small, people = resize_with_people(picture, frame.people, TILE)
    visible = sum(int(person.present.sum()) for person in people)
    panels = [(f"{label}, keypoints: {visible}", draw_people(small, people, codec.skeleton))]
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


def main() -> None:
    """Run `dancepose-browse`."""
    from dancepose.entry import run

    run(browse, "browse")


if __name__ == "__main__":
    main()
