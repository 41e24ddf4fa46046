"""How long `dancepose-compare` takes for a sweep on disk: reading, comparing, writing all forms."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dancepose.benchmarks.timing import Row
from dancepose.files import write_json, write_text
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.motion_model import motion_config
from dancepose.skeleton import load_skeleton
from dancepose.sweeps.arms import group_jobs
from dancepose.sweeps.comparison import Draws, compare_group
from dancepose.sweeps.launched import ledger_notes
from dancepose.sweeps.ledger import JOBS, OUTCOMES, Outcome
from dancepose.sweeps.measures import choose_metrics
from dancepose.sweeps.output import write_comparison
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.whole import comparable_jobs

SEEDS, SAMPLES, IN_CLIP, EPOCHS = 8, 350, 9, 30
CLASSES = ("hold_high", "single_arm_open", "wave", "walk", "other")
FACTOR = "model.dropout"


def time_run_directories(jobs: int, rounds: int) -> list[Row]:
    """Time each step on made-up run directories of motions: eight seeds an arm, 350 test samples in 39 clips.

    Args:
        jobs: how many.
        rounds: repetitions.

    Returns:
        A row for each step, and one for all together.
    """
    with tempfile.TemporaryDirectory(prefix="dancepose-") as scratch:
        sweep = make_sweep(Path(scratch) / "sweep", jobs)
        spans: dict[str, list[float]] = {}
        for _ in range(rounds):
            compare_once(sweep, Path(scratch) / "out", spans)
    together = [sum(round_) for round_ in zip(*spans.values(), strict=True)]
    rows = {**spans, "all of it": together}
    figures: dict[str, float | str] = {"runs": float(jobs), "samples": float(SAMPLES)}
    return [Row("compare", f"run directories, {name}", ms, dict(figures)) for name, ms in rows.items()]


def make_sweep(sweep: Path, jobs: int) -> Path:
    """Leave what a sweep of motions leaves, as far as a comparison reads it.

    Args:
        sweep: its folder.
        jobs: how many; a multiple of the seeds, two arms at least.

    Returns:
        The folder.
    """
    launched = {}
    for arm in range(max(2, jobs // SEEDS)):
        for seed in range(SEEDS):
            overrides = [f"{FACTOR}={arm / 1000}", f"seed={seed}"]
            _write_run(sweep / ",".join(overrides), arm / 1000, seed)
            launched[",".join(overrides)] = overrides
    write_json(sweep / JOBS, launched)
    outcome = {"launch": "made up", **asdict(Outcome("done"))}
    write_json(sweep / OUTCOMES, dict.fromkeys(launched, outcome))
    return sweep


def compare_once(sweep: Path, out: Path, spans: dict[str, list[float]]) -> Comparison:
    """Do what the command does, but for networks' costs, and note the milliseconds of each step.

    Args:
        sweep: its folder.
        out: where the comparison is written.
        spans: step -> milliseconds, which are added.

    Returns:
        What was compared.
    """

    def timed(name: str, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        found = do()
        spans.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
        return found

    def compare() -> Comparison:
        (group,) = group_jobs(jobs, [FACTOR], "0.0")
        table = compare_group(group, choose_metrics(None, jobs, poses), poses, Draws())
        table = replace(table, notes=(*table.notes, *notes))
        return Comparison((str(sweep),), group.by, group.against, poses, (table,), (*left_out,))

    (jobs, left_out, poses), notes = timed(
        "read", lambda: (comparable_jobs([str(sweep)]), ledger_notes([str(sweep)]))
    )
    comparison = timed("compared", compare)
    timed("written", lambda: write_comparison(out, comparison, pictures=0))
    return comparison


def _write_run(run: Path, level: float, seed: int) -> None:
    """Leave what a training of motions leaves, as far as a comparison reads it."""
    draw = np.random.default_rng([seed, round(1000 * level)])
    labels = np.arange(SAMPLES) % len(CLASSES)
    probabilities = draw.dirichlet(np.ones(len(CLASSES)), SAMPLES).astype(np.float32)
    probabilities[np.arange(SAMPLES), labels] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    clips = [f"clip_{i // IN_CLIP}" for i in range(SAMPLES)]
    samples = MotionSamples(
        [f"frames/{i:05d}.jpg#0" for i in range(SAMPLES)], list(clips), labels, probabilities, CLASSES
    )
    samples.save(run / FILE)
    right = float((samples.predicted == labels).mean())
    config = {
        "name": "motion_paper",
        "seed": seed,
        "skeleton": load_skeleton("common13").to_dict(),
        "model": {**motion_config({"network": "motion"}).to_dict(), "dropout": level},
        "data": {"size": 224, "batch_size": 64, "labels": None},
        "objective": "val/accuracy",
    }
    write_text(run / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    write_text(run / "overrides.yaml", yaml.safe_dump([f"{FACTOR}={level}", f"seed={seed}"]))
    write_text(run / "choices.yaml", yaml.safe_dump({"model": "motion", "model/attention": "cbam1"}))
    known = {"split": "5" * 16, "data": "d" * 16, "version": "0"}
    metrics = {"val/accuracy": right, "test/accuracy": right}
    write_json(run / "metrics.json", {"status": "done", "metrics": metrics, "objective": right, **known})
    lines = ["step,epoch,train/loss,val/accuracy,val/loss"]
    for epoch in range(EPOCHS):
        lines += [f"{10 * epoch + step},{epoch},{1 / (epoch + 1)},," for step in range(9)]
        lines.append(f"{10 * epoch + 9},{epoch},,{right},{1 - right}")
    write_text(run / "metrics.csv", "\n".join(lines) + "\n")
