"""Which arms are above what is reached by knowing nothing."""

import json

import numpy as np
import pytest
from comparisons import compare_sweeps, made_up
from run_directories import motion_job, motion_sweep, pose_job

from dancepose.metrics.samples import MotionSamples
from dancepose.sweeps.bootstrap import Interval
from dancepose.sweeps.chance import Chance, _listed
from dancepose.sweeps.measures import metric_of


def of(comparison, metric: int = 0):
    result = comparison.tables[0].metrics[metric]
    return result.chance, result.metric


def note(comparison) -> str:
    return comparison.tables[0].notes[-1]


def test_no_arm_that_learnt_nothing_is_above_chance(tmp_path):
    """Of three classes of equal size every third answer is right by chance."""
    comparison = made_up(tmp_path, {"none": 0.3, "cbam0": 0.29, "cbam1": 0.31}, seeds=2)
    chance, metric = of(comparison)
    assert chance.level == pytest.approx(100 / 3) and chance.how == "always answering wave"
    assert not chance.learnt and chance.arms(False) == ["none", "cbam0", "cbam1"]
    assert chance.words(metric) == note(comparison)
    assert note(comparison).startswith(
        "No arm is above chance, 33.3 % (always answering wave; these very runs, 95 %, BCa"
    )
    assert note(comparison).endswith("so that their differences say nothing.")


def test_a_mean_that_is_a_little_above_is_not_shown_to_be(tmp_path):
    comparison = made_up(tmp_path, {"none": 0.36, "cbam1": 0.37}, seeds=1)
    assert note(comparison).startswith("No arm is shown to be above chance")


def test_arms_that_learnt_are_told_from_those_that_did_not(tmp_path):
    told = note(made_up(tmp_path, {"none": 0.7, "cbam0": 0.3, "cbam1": 0.9}, seeds=2))
    assert told.startswith("none and cbam1 are above chance, 33.3 %")
    assert "cbam0 is not shown to be above chance: a difference to what learnt nothing says nothing" in told


def test_that_all_learnt_is_told_in_a_word(tmp_path):
    assert note(made_up(tmp_path, seeds=1)).startswith("All 3 arms are above chance, 33.3 % (always")


def test_chance_is_the_commonest_class_and_is_drawn_along_with_the_arms(tmp_path):
    """A run that always gives it is at chance in every resample, wherever its own interval lies."""
    for seed in (0, 1):
        for name in ("none", "cbam1"):
            run = motion_job(tmp_path / f"{name}{seed}", [f"model/attention={name}"], seed)
            kept = MotionSamples.load(run / "per_sample.npz")
            labels = np.where(np.arange(60) % 4 == 0, 1, 0)
            probabilities = np.tile([0.8, 0.1, 0.1], (60, 1))
            MotionSamples(kept.ids, kept.clips, labels, probabilities, kept.classes).save(
                run / "per_sample.npz"
            )
            result = json.loads((run / "metrics.json").read_text())
            result["metrics"] |= {"test/accuracy": 0.75}
            (run / "metrics.json").write_text(json.dumps(result))
    chance, _ = of(compare_sweeps(tmp_path))
    assert chance.level == 75 and chance.arms(False) == ["none", "cbam1"] and not chance.learnt


def test_macro_f1_is_compared_with_the_better_of_two_ways_to_guess(tmp_path):
    comparison = made_up(tmp_path, {"none": 0.7, "cbam1": 0.3}, seeds=1)
    chance, _ = of(comparison, 1)
    assert chance.level == pytest.approx(100 / 3) and chance.how == "guessing classes equally often"
    assert chance.above("none") is True and chance.above("cbam1") is False
    assert of(comparison, 2)[0] is None, "a calibration error of 0 is perfect, and shows no knowledge"


def test_poses_are_above_chance_where_anything_is_found(tmp_path):
    for method, found in (("ae", 0.0), ("paf", 0.5)):
        pose_job(tmp_path / method, [f"model/codec={method}"], found=found)
    comparison = compare_sweeps(tmp_path, against="ae")
    chance, _ = of(comparison)
    assert chance.level == 0 and chance.above("ae") is False and chance.above("paf") is True
    assert "ae is not shown to be above chance" in note(comparison)


def test_what_no_sample_tells_is_said_to_be_unknown(tmp_path):
    for method in ("ae", "paf"):
        pose_job(tmp_path / method, [f"model/codec={method}"], further={"test/PCK@0.2": 40.0})
    comparison = compare_sweeps(tmp_path, against="ae", metrics=["PCK@0.2"])
    assert note(comparison).startswith("Nothing tells whether ae and paf are above chance, 0.0 %")


def test_it_stands_in_json(tmp_path):
    told = json.loads(json.dumps(made_up(tmp_path, seeds=1).to_dict(), allow_nan=False))
    chance = told["tables"][0]["chance"]
    assert chance["ECE"] is None and chance["accuracy"]["arms"]["none"]["above"] is True


def test_one_arm_alone_is_told_beside_one_of_which_nothing_is_known():
    """Of the other no interval is known: it is not counted to those that are not above chance."""
    known = Interval(-1.0, -3.0, 1.0, 0.95, "BCa bootstrap over 30 clips", "other clips like these")
    unknown = Interval(4.0, None, None, 0.95, "", "other samples like these", "no interval")
    chance = Chance(25.0, "always answering wave", {"none": known, "cbam1": unknown})
    assert chance.learnt and chance.arms(False) == ["none"] and chance.arms(None) == ["cbam1"]
    assert chance.words(metric_of("accuracy", poses=False)) == (
        "none is not shown to be above chance, 25.0 % (always answering wave; these very runs, 95 %, BCa "
        "bootstrap over 30 clips): a difference to what learnt nothing says nothing of a design. Nothing "
        "tells whether cbam1 is above chance."
    )


def test_that_clips_are_few_is_told_as_beside_every_interval(tmp_path):
    """Of eight clips the interval is known to be too narrow: above chance it may be by that alone."""
    sweep = motion_sweep(tmp_path, {"none": 0.7, "cbam1": 0.9}, [0], samples=64, clips=8)
    comparison = compare_sweeps(sweep)
    few = "only 8 clips: the interval is likely too narrow"
    assert note(comparison).startswith("All 2 arms are above chance, ")
    assert note(comparison).endswith(f"; these very runs, 95 %, BCa bootstrap over 8 clips; {few}).")
    assert note(comparison).count(few) == 1


def test_of_pooled_runs_the_means_of_seeds_are_judged(tmp_path):
    """Two widths of each seed are averaged: an arm of 30 and 90 % is above a third, by its mean of 60 %."""
    for width, rights in (("8", {"none": 0.3, "cbam1": 0.2}), ("16", {"none": 0.9, "cbam1": 0.3})):
        motion_sweep(tmp_path / width, rights, [0, 1], overrides=[f"model.width={width}"], clips=30)
    comparison = compare_sweeps(tmp_path, by=["model/attention"])
    chance, _ = of(comparison)
    (table,) = comparison.tables
    assert table.group.pooled == ("model.width",)
    assert chance.above("none") is True and chance.above("cbam1") is False
    mean = table.metrics[0].arms[0].mean
    assert chance.over["none"].estimate == pytest.approx(mean - chance.level)
    assert mean == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a"], "a"),
        (["a", "b", "c"], "a, b and c"),
        (["conv, none", "conv, cbam0", "pyramid, none"], "conv, none; conv, cbam0; and pyramid, none"),
    ],
)
def test_arms_of_several_factors_are_told_apart_in_a_list(names, expected):
    assert _listed(names) == expected
