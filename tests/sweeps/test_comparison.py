"""Every figure of a comparison."""

import json
from pathlib import Path

import numpy as np
import pytest
from comparisons import compare_sweeps, made_up
from run_directories import motion_job, motion_sweep, pose_job

from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.sweeps.results import Comparison


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    return made_up(tmp_path_factory.mktemp("made_up"))


def test_means_and_differences_are_those_of_the_samples(comparison, tmp_path_factory):
    (table,) = comparison.tables
    first = table.metrics[0]
    assert [arm.name for arm in first.arms] == ["none", "cbam0", "cbam1"]
    for arm in first.arms:
        jobs = table.group.arms[arm.name].jobs
        loaded = [MotionSamples.load(job.path / FILE) for job in jobs]
        accuracies = [100 * (s.predicted == s.labels).mean() for s in loaded]
        assert arm.values == pytest.approx(accuracies) and arm.seeds == tuple(range(8))
        assert arm.mean == pytest.approx(np.mean(accuracies)) and arm.std == pytest.approx(
            np.std(accuracies, ddof=1)
        )
        assert arm.interval.low < arm.mean < arm.interval.high and "40 clips" in arm.interval.method
    none, _, best = first.arms
    assert none.difference is None and best.difference.claim == "better"
    assert best.difference.estimate == pytest.approx(best.mean - none.mean)
    assert 10 < best.difference.over_both.low < best.difference.over_seeds.low


def test_a_better_calibration_is_a_smaller_error(comparison):
    folders = map(Path, comparison.sweeps)
    difference = compare_sweeps(*folders, metrics=["ECE"]).tables[0].metrics[0].arms[2].difference
    assert difference.estimate < 0 and difference.claim == "better"


def test_all_of_it_is_plain_values(comparison):
    told = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    (table,) = told["tables"]
    assert table["metrics"]["accuracy"][2]["difference"]["claim"] == "better"
    assert len(table["jobs"]["none"]) == 8 and table["classes"] == ["wave", "walk", "other"]
    assert np.sum(table["confusion"]["none"]) == 8 * 120


def test_two_seeds_decide_nothing_and_it_is_said_in_words(tmp_path):
    comparison = made_up(tmp_path, {"none": 0.5, "cbam0": 0.9, "cbam1": 0.9, "cbam2": 0.9}, seeds=2)
    for arm in comparison.tables[0].metrics[0].arms[1:]:
        assert arm.difference.claim is None and arm.difference.p is None
        assert "2 paired seeds decide nothing" in arm.difference.words
        assert "at least 7 seeds are needed" in arm.difference.words
    json.dumps(comparison.to_dict(), allow_nan=False)


def test_pooled_runs_count_as_one_of_their_seed(tmp_path):
    for lr, rights in (("0.1", {"none": 0.5, "cbam1": 0.7}), ("0.01", {"none": 0.7, "cbam1": 0.9})):
        config = {"optimizer": {"lr": float(lr)}}
        motion_sweep(
            tmp_path / lr, rights, [0, 1, 2], overrides=[f"optimizer.lr={lr}"], config=config, samples=100
        )
    by = ["model/attention"]
    (table,) = compare_sweeps(tmp_path / "0.1", tmp_path / "0.01", by=by).tables
    none, cbam1 = table.metrics[0].arms
    assert none.seeds == (0, 1, 2) and none.values == pytest.approx([58, 60, 62], abs=0.01)
    assert cbam1.difference.seeds == (0, 1, 2) and cbam1.difference.estimate == pytest.approx(20, abs=2)


def test_one_arm_alone_is_told_without_differences(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.8, "cbam1": 0.9})
    comparison = compare_sweeps(
        tmp_path / "a", only={"model/attention": ["none"]}, by=["version"], against="0.1.0"
    )
    (arm,) = comparison.tables[0].metrics[0].arms
    assert arm.name == "0.1.0" and arm.difference is None


def test_poses_by_image(tmp_path):
    for method, found in (("ae", 0.9), ("paf", 0.4)):
        for seed in range(7):
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, found, images=40)
    comparison = compare_sweeps(tmp_path, against="paf")
    (table,) = comparison.tables
    assert [result.metric.name for result in table.metrics] == ["mAP"] and table.parts.columns[-1] == "Total"
    _, ae = table.metrics[0].arms
    assert ae.difference.claim == "better" and "images" in ae.difference.over_both.method


def test_what_is_known_of_no_image_decides_nothing(tmp_path):
    """PCK of whole runs: however far apart, other images may show the reverse."""
    for method, found in (("ae", 0.9), ("paf", 0.4)):
        for seed in range(7):
            pck = {"test/PCK@0.2": 100 * found + seed % (2 + len(method))}
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, found, further=pck)
    (table,) = compare_sweeps(tmp_path, against="paf", metrics=["PCK@0.2"]).tables
    _, ae = table.metrics[0].arms
    assert ae.interval is None and ae.difference.over_both.low is None and ae.difference.claim is None
    assert ae.difference.verdict == "undecided: nothing is known of other images"

    (note,) = [note for note in table.notes if "PCK" in note]
    assert (
        note.startswith("PCK@0.2: not known image by image of ") and " and 13 more, whose per_image" in note
    )
    assert "write it again: dancepose-evaluate run=" in note


def test_pck_of_poses_is_decided_by_image(tmp_path):
    for method, found in (("ae", 0.7), ("paf", 0.3)):
        for seed in range(7):
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, 0.5, images=40, pck=found)
    (table,) = compare_sweeps(tmp_path, against="paf", metrics=["PCK@0.2", "mAP"]).tables
    of_paf, ae = table.metrics[0].arms
    assert ae.difference.claim == "better" and "images" in ae.difference.over_both.method
    assert of_paf.interval.low < of_paf.mean < of_paf.interval.high
    assert table.metrics[1].arms[1].difference.claim is None
    assert not [note for note in table.notes if "not known" in note]


def test_pck_of_which_one_arm_is_of_an_earlier_version_decides_nothing(tmp_path):
    """It is compared all the same, by the seeds."""
    for method, found in (("ae", 0.7), ("paf", 0.3)):
        for seed in range(7):
            new = method == "ae"
            more = {} if new else {"further": {"test/PCK@0.2": 100 * found + seed % 3}}
            pck = found if new else None
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, 0.5, pck=pck, **more)
    (table,) = compare_sweeps(tmp_path, against="paf", metrics=["PCK@0.2"]).tables
    _, ae = table.metrics[0].arms
    assert ae.difference.verdict == "undecided: nothing is known of other images" and ae.interval is not None
    assert ae.difference.over_seeds.low is not None and ae.difference.over_seeds.low > 0
    assert any("PCK@0.2: not known image by image" in note and "and 6 more" in note for note in table.notes)


def test_left_out_jobs_are_kept_with_their_causes(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.8, "cbam1": 0.9})
    motion_job(tmp_path / "a" / "x", status="failed", cause="out of memory")
    comparison = compare_sweeps(tmp_path / "a")
    assert comparison.to_dict()["left_out"][0]["cause"].startswith("out of memory: ")


def test_tables_of_a_split_are_one_family(tmp_path):
    """Each at its own 5 % they would claim something in vain in one of ten comparisons."""
    for width, right in ((8, 0.72), (16, 0.72)):
        motion_sweep(
            tmp_path / "s" / str(width),
            {"none": 0.7, "cbam1": right, "cbam2": 0.71},
            range(7),
            overrides=[f"model.width={width}"],
        )
    whole = compare_sweeps(tmp_path / "s", by=["model/attention"], split=["model.width"])
    alone = compare_sweeps(tmp_path / "s" / "8", by=["model/attention"])
    arms = [of.tables[0].metrics[0].arms[1:] for of in (whole, alone)]
    for together, single in zip(*arms, strict=True):
        one, other = together.difference, single.difference
        assert one.p == other.p and one.p_holm >= other.p_holm
        assert one.over_both.high - one.over_both.low > other.over_both.high - other.over_both.low
        assert "4 comparisons at once" in one.over_both.method
    assert any("the 4 comparisons of all tables at once" in note for note in whole.tables[1].notes)
