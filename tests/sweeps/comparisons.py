"""Comparisons of made-up sweeps, for tests of what is written of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from run_directories import motion_sweep

from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.arms import group_jobs
from dancepose.sweeps.comparison import Draws, compare_groups
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.measures import choose_metrics
from dancepose.sweeps.results import Comparison

DRAWS = Draws(resamples=200)


def compare_sweeps(
    *sweeps: Path, by: Sequence[str] = (), against: str | None = "none", metrics: Any = None, **more: Any
) -> Comparison:
    """Compare sweeps as the command does."""
    jobs, left_out = read_jobs(sweeps)
    poses = jobs[0].poses
    jobs, more_left_out = with_samples(jobs, poses)
    groups = group_jobs(jobs, by, against, **more)
    chosen = choose_metrics(metrics, jobs, poses)
    tables = compare_groups(groups, chosen, poses, DRAWS)
    folders = tuple(map(str, sweeps))
    return Comparison(
        folders,
        groups[0].by,
        groups[0].against,
        poses,
        tables,
        (*left_out, *more_left_out),
        DRAWS.level,
        DRAWS.resamples,
    )


def made_up(
    folder: Path, rights: Mapping[str, float] | None = None, seeds: int = 8, **more: Any
) -> Comparison:
    """Compare a made-up sweep over attentions."""
    rights = rights or {"none": 0.7, "cbam0": 0.72, "cbam1": 0.9}
    return compare_sweeps(motion_sweep(folder / "sweep", rights, range(seeds), samples=120, clips=40, **more))
