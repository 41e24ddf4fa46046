"""`dancepose-browse`: see what a network would be fed, and what is wrong with a data set."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omegaconf import DictConfig

    from dancepose.records import Frame
    from dancepose.skeleton import Skeleton

    Counts = dict[str, dict[str, float]]  # keypoint -> annotated, occluded, labelled

log = logging.getLogger(__name__)

MOTION_SKELETON = "common13"  # of conf/experiment/motion_*.yaml


def browse(cfg: DictConfig) -> None:
    """Write pictures of samples and a listing of the data set; no network is built.

    Leaves `browse.json` (counts, keypoints, statistics, split, problems), `pictures/statistics.png` (see
    `draw_statistics`), `pictures/<part>.jpg` (samples side by side), and `pictures/<part>_<number>.jpg` (one
    picture each: its labels, its samples, their heatmaps and masks).

    Args:
        cfg: what conf/browse.yaml composes to, its keys checked.

    Raises:
        ConfigError: a value is wrong.
        DataError: the data cannot be read at all; or training would refuse to start, since single annotations
            or images are broken: these are listed, and everything else is written, before.
        SplitError: likewise, since the data cannot be divided as the configuration asks: all is shown.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.checks import at_least, one_of
    from dancepose.data.motion_sheets import draw_motion_samples, sampled_classes
    from dancepose.data.problems import FATAL, REMEDY, Problems
    from dancepose.data.sheets import choose, draw_samples
    from dancepose.data.split_file import PARTS
    from dancepose.data.statistics import statistics
    from dancepose.data.statistics_figure import draw_statistics
    from dancepose.errors import DataError, SplitError
    from dancepose.files import write_bytes, write_json
    from dancepose.targets import instantiate, locate

    one_of("part", cfg.part, PARTS)
    at_least("count", cfg.count, 0)
    at_least("epochs", cfg.epochs, 1)
    folder = Path(cfg.out or HydraConfig.get().runtime.output_dir)
    motion = getattr(locate(cfg.data._target_, "data"), "feeds", "pose") == "motion"
    skeleton = _skeleton(cfg, motion)
    data = instantiate(cfg.data, skeleton=skeleton, seed=cfg.seed, **_given(cfg, skeleton, motion))
    data.data.posed = False  # what a training of poses would leave out is shown, too
    refused = None
    try:
        data.frames("train")
    except SplitError as error:  # what is in the data can be seen all the same
        refused = SplitError(f"training would refuse to start: {error}")
        data.data.leave_whole()
        log.warning("not divided, all is shown as train: %s\n", error)

    parts = {part: data.frames(part) for part in PARTS}
    keypoints = {part: keypoint_counts(frames, skeleton) for part, frames in parts.items()}
    unusable = data.data.unusable(*PARTS)
    classes = sampled_classes(data, cfg.part) if motion else None
    chosen, broken = choose(parts[cfg.part], cfg.count, data.seed, unusable, not motion, classes)
    unusable.extend(broken)
    problems = Problems(dict.fromkeys([*data.problems, *unusable]))
    found_wrong = problems.report() if len(problems) else ""  # else the summary says it already
    for text in filter(None, (data.summary(problems), keypoint_table(keypoints), found_wrong)):
        log.info("%s\n", text)
    found = statistics(parts, skeleton, None if motion else data.geometry)
    title = f"{data.data.title or ', '.join(data.data.configs)}: {_totals(parts)}, skeleton {skeleton.name}"
    write_bytes(folder / "pictures" / "statistics.png", draw_statistics(found, skeleton, title))
    draw = draw_motion_samples if motion else draw_samples
    shown = draw(data, cfg.part, chosen, cfg.epochs, folder / "pictures")
    listing = {
        "skeleton": skeleton.name,
        "split": {"hash": data.split_hash, **{part: len(frames) for part, frames in parts.items()}},
        "data": data.data_hash,
        "counts": data.data.counts(),
        "left_out": data.data.left_out,
        "without_keypoints": data.data.without_keypoints,
        "keypoints": keypoints,
        "statistics": found,
        "problems": {"counts": problems.counts(), "all": [vars(problem) for problem in problems]},
        "pictures": shown,
    }
    write_json(folder / "browse.json", listing)
    place = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    drawn = "1 picture" if len(shown) == 1 else f"{len(shown)} pictures"
    log.info("%s, statistics.png and browse.json written to %s", drawn, place)
    if len(unusable):
        counts = ", ".join(f"{kind} {count}" for kind, count in unusable.of(*FATAL).counts().items())
        raise DataError(f"training and evaluation would refuse to start: {counts}. {REMEDY}")
    if refused is not None:
        raise refused


def _skeleton(cfg: DictConfig, motion: bool) -> Skeleton:
    """Return the skeleton that was chosen; where none was, the one that networks of such data have."""
    from hydra.core.hydra_config import HydraConfig

    from dancepose.skeleton import Skeleton, load_skeleton
    from dancepose.targets import plain

    given = [override.lstrip("+~").partition("=")[0] for override in HydraConfig.get().overrides.task]
    if motion and not any(key.partition(".")[0] == "skeleton" for key in given):
        return load_skeleton(MOTION_SKELETON)
    return Skeleton.from_dict(plain(cfg.skeleton))


def _given(cfg: DictConfig, skeleton: Skeleton, motion: bool) -> dict[str, Any]:
    """Return what a data module is given besides its node, without a network being built."""
    from dancepose.build import build_codec, model_config
    from dancepose.encoders import ImageOnly
    from dancepose.targets import plain

    if motion:  # every sample is one person in one picture
        return {"encoder": ImageOnly(), "images": True}
    return {"codec": build_codec(model_config(plain(cfg.model)), skeleton)}


def _totals(parts: dict[str, list[Frame]]) -> str:
    """Say how many pictures and people there are; with data.overfit a picture is in several parts."""
    frames = {frame.name: frame for frames in parts.values() for frame in frames}.values()
    return f"pictures {len(frames)}, people {sum(len(frame.people) for frame in frames)}"


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
    if not parts:
        return "no keypoint is annotated"
    names = list(next(iter(keypoints.values())))
    width = max(len(name) for name in names)
    lines = [" " * width + "".join(f"  {part:>20}" for part in parts)]
    for name in names:
        cells = [keypoints[part][name] for part in parts]
        texts = [f"{c['annotated']} ({c['occluded']}) {c['labelled']:>5.0%}" for c in cells]
        lines.append(f"{name:{width}}" + "".join(f"  {text:>20}" for text in texts))
    lines.append("keypoints annotated (of these occluded), share of pictures whose source labels them")
    return "\n".join(lines)


def main() -> None:
    """Run `dancepose-browse`."""
    from dancepose.entry import run

    run(browse, "browse")


if __name__ == "__main__":
    main()
