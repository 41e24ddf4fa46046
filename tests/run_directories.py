"""Run directories as finished trainings leave them, without training: for tests of what reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.samples import MotionSamples
from dancepose.metrics.single_pictures import LABELS, SinglePictures

CLASSES = ("wave", "walk", "other")
RESULT = {"split": "5" * 16, "data": "d" * 16, "version": "0.1.0", "status": "done"}  # of metrics.json


def motion_job(
    run: Path,
    overrides: Sequence[str] = (),
    seed: int = 0,
    right: float = 0.8,
    choices: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    samples: int = 60,
    clips: int | None = 12,
    status: str = "done",
    classes: Sequence[str] = CLASSES,
    epochs: int = 3,
    draw: int | None = None,
    **result: Any,
) -> Path:
    """Leave what a training of motions leaves.

    Args:
        run: its folder.
        overrides: beside `seed`.
        seed: of the run.
        right: share of the test samples that is right, but for rounding.
        choices: of groups; None: no choices.yaml, as of earlier versions.
        config: entries that stand in config.yaml beside seed and model.
        samples: of the test part.
        clips: of the test part; None: samples are from no clip.
        status: of metrics.json.
        classes: names.
        epochs: rows in metrics.csv.
        draw: decides which samples are right; None: the seed.
        result: entries of metrics.json in place of the usual ones.
    """
    run.mkdir(parents=True)
    model = {"network": "motion", "branches": ["keypoints"], "attention": {"order": "none"}}
    full = {"seed": seed, "model": model, "data": {"size": 32}, **(config or {})}
    (run / "config.yaml").write_text(yaml.safe_dump(full, sort_keys=False))
    (run / "overrides.yaml").write_text(yaml.safe_dump([*overrides, f"seed={seed}"]))
    if choices is not None:
        (run / "choices.yaml").write_text(yaml.safe_dump(dict(choices)))
    labels = np.arange(samples) % len(classes)
    generator = np.random.default_rng(seed if draw is None else draw)
    hit = np.zeros(samples, bool)
    hit[generator.permutation(samples)[: round(right * samples)]] = True
    probabilities = np.full((samples, len(classes)), 0.1 / (len(classes) - 1))
    predicted = np.where(hit, labels, (labels + 1) % len(classes))
    probabilities[np.arange(samples), predicted] = 0.9
    of_clip = [None if clips is None else f"clip_{i * clips // samples}" for i in range(samples)]
    ids = [f"frame_{i}" for i in range(samples)]
    MotionSamples(ids, of_clip, labels, probabilities, tuple(classes)).save(run / "per_sample.npz")
    accuracy = float(hit.mean()) if samples else 0.0
    metrics = {"val/accuracy": accuracy, "test/accuracy": accuracy, "test/loss": 1 - accuracy}
    metrics |= {"test/macro_F1": accuracy, "test/ECE": abs(0.9 - accuracy)}
    content = {
        "metrics": metrics,
        "objective": accuracy,
        **RESULT,
        "status": status,
        **result,
    }
    (run / "metrics.json").write_text(json.dumps(content))
    rows = ["step,epoch,train/loss,val/accuracy,val/loss"]
    for epoch in range(epochs):
        rows.append(f"{10 * epoch + 5},{epoch},{1 / (epoch + 1) + 0.01 * seed},,")
        share = accuracy * (epoch + 1) / epochs
        rows.append(f"{10 * epoch + 9},{epoch},,{share},{1 - share}")
    (run / "metrics.csv").write_text("\n".join(rows) + "\n")
    return run


def motion_sweep(
    sweep: Path,
    rights: Mapping[str, float],
    seeds: Sequence[int] = (0, 1),
    key: str = "model/attention",
    overrides: Sequence[str] = (),
    **more: Any,
) -> Path:
    """Leave what `key=<levels> seed=<seeds>` leaves.

    Args:
        sweep: its folder.
        rights: level -> share of the test samples that is right, two percent more or less by the seed.
        seeds: of each level.
        key: the factor.
        overrides: of all jobs.
        more: of `motion_job`.
    """
    for number, (level, right) in enumerate(rights.items()):
        for seed in seeds:
            choices = {"model": "motion", "data": "action", **({key: level} if "/" in key else {})}
            motion_job(
                sweep / f"{key.replace('/', '.')}={level},seed={seed}",
                [f"{key}={level}", *overrides],
                seed,
                right + 0.01 * ((7 * seed + 3 * number) % 5 - 2),
                **{"choices": choices, **more},
            )
    return sweep


COLUMNS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")


def pose_job(
    run: Path,
    overrides: Sequence[str] = (),
    seed: int = 0,
    found: float = 0.6,
    images: int = 20,
    choices: Mapping[str, str] | None = None,
    per_image: bool = True,
    further: Mapping[str, float] | None = None,
    pck: float | None = None,
    **result: Any,
) -> Path:
    """Leave what a training of poses leaves.

    Args:
        run: its folder.
        overrides: beside `seed`.
        seed: of the run.
        found: share of the joints that is found.
        images: of the test part.
        choices: of groups.
        per_image: whether it keeps what it found in each image.
        further: metrics beside the usual ones.
        pck: share of the joints that PCK counts as found, in as many images of one person; None: nothing is
            kept of these, as by earlier versions. A skeleton with a joint in each of `COLUMNS` is kept, too.
        result: entries of metrics.json in place of the usual ones.
    """
    run.mkdir(parents=True)
    full: dict[str, Any] = {"seed": seed, "model": {"network": "pose"}, "data": {"size": 64}}
    (run / "overrides.yaml").write_text(yaml.safe_dump([*overrides, f"seed={seed}"]))
    if choices is not None:
        (run / "choices.yaml").write_text(yaml.safe_dump(dict(choices)))
    joints = tuple(f"joint_{i}" for i in range(len(COLUMNS)))
    if pck is not None:
        full["skeleton"] = {"columns": {name: [joint] for name, joint in zip(COLUMNS, joints, strict=True)}}
    (run / "config.yaml").write_text(yaml.safe_dump(full, sort_keys=False))
    places = np.repeat(np.arange(images), len(joints))
    numbers = np.tile(np.arange(len(joints)), images)
    generator = np.random.default_rng([seed, round(1000 * found)])
    correct = generator.random(len(places)) < found
    names = [f"image_{i}.jpg" for i in range(images)]
    truth = np.ones((images, len(joints)), np.int64)
    scores = generator.random(len(places))
    clips: list[str | None] = [None] * images
    kept = PoseImages(names, clips, joints, truth, places, numbers, scores, correct)
    if pck is not None:
        counted = np.random.default_rng(images).random((images, len(joints))) < 0.9
        hit = counted & (generator.random(counted.shape) < pck)
        both = dict.fromkeys(LABELS, counted)
        kept = replace(kept, singles=SinglePictures(names, clips, both, dict.fromkeys(LABELS, hit)))
    if per_image:
        kept.save(run / "per_image.npz")
    total = float(kept.mean_ap(np.ones((1, images)))[0])
    columns = {name: 100 * found + number + seed for number, name in enumerate(COLUMNS)}
    metrics = {"val/mAP": total, "test/mAP": total, **{f"test/{n}": v for n, v in columns.items()}}
    if kept.singles is not None:
        metrics |= {f"test/{label}": kept.singles.value(label) for label in LABELS}
    metrics |= further or {}
    row = {"metric": "MPII mAP", "columns": {**columns, "mAP": total}, "total": "mAP"}
    (run / "test.json").write_text(json.dumps({"split": "5" * 16, "rows": {"mAP": row}}))
    content = {
        "metrics": metrics,
        "objective": total,
        **RESULT,
        **result,
    }
    (run / "metrics.json").write_text(json.dumps(content))
    return run
