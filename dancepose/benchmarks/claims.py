"""Comparisons of runs: how often they claim what is not so, how often they find what is, and their time."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from dancepose.benchmarks.timing import Row, side_by_side
from dancepose.progress import track
from dancepose.sweeps.paired import compare
from dancepose.sweeps.scores import AccuracyScores, CalibrationScores, MacroF1Scores, SampleScores
from dancepose.sweeps.simulation import (
    Outcome,
    Study,
    count_false_claims,
    count_found,
    paired_spread,
    typical_detectable,
)
from dancepose.sweeps.spread import describe

FEW = (120, 60, 30, 20, 10, 10, 5, 5)  # samples of clips that weigh no more than 3.5 of one size
# sizes that scatter log-normally, from 1 sample to 109, as 15 equal ones
MANY = tuple(int(n) for n in np.ceil(np.exp(2 + 1.2 * ndtri((np.arange(40) + 0.5) / 40))))
# where arms differ by these very clips alone, the seeds' test must not be believed
PARTS = (
    Study(8),
    Study(8, clips=100, per_clip=10, lean=0.3),
    Study(8, clips=40, per_clip=9, lean=1.0),
    Study(8, clips=40, per_clip=MANY, lean=1.0),
    Study(8, clips=8, per_clip=FEW, lean=1.0),
    Study(8, clips=5, per_clip=60, lean=1.0),
)
PLANS = ((5, 1), (6, 1), (8, 3), (10, 3))  # seeds, comparisons; three pairs can show nothing below 7 seeds
SAMPLES, CLASSES, IN_CLIP = 350, 10, 10  # of the made-up test part of time_comparison
SHARE = 0.8  # of its samples that a run has right


def simulate_claims(studies: int) -> list[Row]:
    """Put many made-up studies through `compare`: see `dancepose.sweeps.simulation`.

    Args:
        studies: of each kind.
    """
    false = [replace(part, seeds=seeds, comparisons=pairs) for part in PARTS for seeds, pairs in PLANS]
    true = [
        Study(8, effect=2.0),
        Study(8, clips=100, per_clip=10, lean=0.1, effect=2.0),
        Study(8, clips=40, per_clip=MANY, lean=0.1, effect=2.0),
    ]
    for part in PARTS[:2]:  # the differences that would be called detectable there
        found = typical_detectable(part, max(1, studies // 10))
        true.append(replace(part, effect=found / paired_spread(part)))
    kinds: list[tuple[Callable[[Study, int], Outcome], str, Study]] = [
        *((count_false_claims, "claimed in vain", study) for study in false),
        *((count_found, "found", study) for study in true),
    ]
    rows = []
    for ask, name, study in track(((1, kind) for kind in kinds), len(kinds), "kinds of study"):
        start = time.perf_counter()
        outcome = ask(study, studies)
        took = 1e3 * (time.perf_counter() - start) / studies
        figures: dict[str, float | str] = {
            name: f"{outcome.share:.2%}",
            "95 % bound": f"<= {outcome.upper:.2%}" if name != "found" else f">= {outcome.lower:.2%}",
            "studies": float(studies),
        }
        rows.append(Row("claims", study.words, [took], figures))
    return rows


def time_comparison(jobs: int, rounds: int) -> list[Row]:
    """Time the comparison of many finished runs that are in memory: eight seeds an arm, 350 test samples.

    Args:
        jobs: runs.
        rounds: repetitions.
    """
    seeds = range(8)
    arms = max(2, jobs // len(seeds))
    draw = np.random.default_rng(0)
    labels = draw.integers(0, CLASSES, SAMPLES)
    right = draw.random((arms, len(seeds), SAMPLES)) < SHARE
    predicted = np.where(right, labels, (labels + 1) % CLASSES)
    sure = draw.random(right.shape)
    clips = [f"clip {i // IN_CLIP}" for i in range(SAMPLES)]

    def work(where: list[str] | None) -> None:
        kinds: list[list[SampleScores]] = [
            [AccuracyScores(seeds, hit, where) for hit in right],
            [MacroF1Scores(seeds, labels, answers, CLASSES, where) for answers in predicted],
            [CalibrationScores(seeds, top, hit, where) for top, hit in zip(sure, right, strict=True)],
        ]
        for scores in kinds:
            compare({f"arm {i}": of_arm for i, of_arm in enumerate(scores)}, "arm 0")
            for of_arm in scores:
                describe(of_arm)

    cases = {"in clips": lambda: work(clips), "single samples": lambda: work(None)}
    figures: dict[str, float | str] = {"runs": float(arms * len(seeds)), "samples": float(SAMPLES)}
    times = side_by_side(cases, rounds, warmup=0)
    return [Row("compare", f"three metrics, {name}", ms, dict(figures)) for name, ms in times.items()]
