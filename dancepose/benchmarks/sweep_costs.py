"""What a job of a sweep costs beside its training, and what jobs side by side gain: real commands, timed."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dancepose.benchmarks.timing import Row
from dancepose.errors import DanceposeError
from dancepose.progress import track
from dancepose.skeleton import load_skeleton

CLASSES, CLIPS, LENGTH = ("wave", "walk", "other"), 6, 4  # 72 made-up people: training is a blink
JOB = (
    *("experiment=motion_paper", "data=skeletons", "data.batch_size=16"),
    *("data.workers=0", "model.branches=[keypoints]", "trainer=cpu", "trainer.max_epochs=1", "logger=csv"),
)
JOBS, SIDE_BY_SIDE = 8, 2  # of a sweep; at a time


def time_sweeps(jobs: int, rounds: int) -> list[Row]:
    """Time smallest jobs of a sweep, one after the other and side by side, each process on one thread.

    Args:
        jobs: of a sweep.
        rounds: sweeps of either kind, in turn.

    Returns:
        A row for a job from the start of its process to its end, whose training is a blink, so that it is
        what any job costs beyond its training; one for the sweep one after the other; and one for the sweep
        in the pool, two jobs at a time, with its time over the ideal: half of the other's.

    Raises:
        DanceposeError: a sweep failed; with what it printed.
    """
    launchers = {
        "one after the other": ["hydra/launcher=basic"],
        f"in the pool, {SIDE_BY_SIDE} at a time": [
            "hydra/launcher=pool",
            f"hydra.launcher.n_jobs={SIDE_BY_SIDE}",
        ],
    }
    took: dict[str, list[float]] = {name: [] for name in launchers}
    single: list[float] = []
    steps = ((1, (number, name)) for number in range(rounds) for name in launchers)
    with tempfile.TemporaryDirectory(prefix="dancepose-") as scratch:
        folder = Path(scratch)
        write_skeletons(folder / "people.npz")
        for number, name in track(steps, rounds * len(launchers), "sweeps"):
            sweep = f"{number}-{launchers[name][0].rpartition('=')[2]}"
            start = time.perf_counter()
            seconds = run_sweep(folder, sweep, jobs, launchers[name])
            took[name].append(1e3 * (time.perf_counter() - start))
            if "basic" in sweep:
                single += [1e3 * s for s in seconds]
    figures: dict[str, float | str] = {"jobs": float(jobs), "threads": 1.0}
    alone, together = took.values()
    ratio = float(np.median(together) / np.median(alone) * SIDE_BY_SIDE)
    rows = [Row("sweep", "a job whose training is a blink", single, figures | {"jobs": float(len(single))})]
    rows += [Row("sweep", f"{jobs} jobs {name}", ms, dict(figures)) for name, ms in took.items()]
    rows[-1].figures["over the ideal"] = ratio
    return rows


def write_skeletons(path: Path) -> None:
    """Write made-up people without pictures, as `data=skeletons` reads them."""
    names, draw = load_skeleton("openpose18").keypoints, np.random.default_rng(0)
    clips = [f"{label}/{clip}" for label in CLASSES for clip in range(CLIPS)]
    rows = len(clips) * LENGTH
    np.savez(
        path,
        xy=draw.uniform(10, 100, (rows, len(names), 2)).astype(np.float32),
        conf=np.full((rows, len(names)), 0.9, np.float32),
        label=np.repeat(CLASSES, CLIPS * LENGTH),
        clip=np.repeat(clips, LENGTH),
        names=np.array(names),
    )


def run_sweep(folder: Path, name: str, jobs: int, launcher: list[str]) -> list[float]:
    """Run a sweep of seeds by the command.

    Args:
        folder: where to run it; holds what `write_skeletons` has written as `people.npz`.
        name: of the sweep.
        jobs: how many seeds.
        launcher: overrides that choose it.

    Returns:
        The seconds of each job.

    Raises:
        DanceposeError: it failed; with what it printed.
    """
    seeds = ",".join(map(str, range(jobs)))
    done = subprocess.run(
        [sys.executable, "-m", "dancepose.train", "-m", *JOB]
        + [f"data.annotations={folder / 'people.npz'}", f"seed={seeds}", f"sweep={name}", *launcher],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise DanceposeError(f"a sweep of {jobs} smallest jobs failed:\n{done.stderr or done.stdout}")
    outcomes = json.loads((folder / "outputs" / "sweeps" / name / "sweep.json").read_text())
    return [outcome["seconds"] for outcome in outcomes.values()]
