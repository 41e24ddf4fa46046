"""Keypoint groups as metrics: `PCK@0.2_Wrist`, and `Wrist` of the mAP."""

import json

import numpy as np
import pytest
import yaml
from comparisons import compare_sweeps
from run_directories import COLUMNS, pose_job

from dancepose.metrics.pose_images import PoseImages
from dancepose.sweeps.answers import PoseAnswers
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.keypoint_groups import group_metrics, groups_of, parted, places
from dancepose.sweeps.measures import choose_metrics


def change_columns(run, columns):
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"skeleton": {"columns": columns}}))


@pytest.mark.parametrize(
    ("metric", "label", "group"),
    [
        ("PCK@0.2", "PCK@0.2", ""),
        ("PCK@0.2_Wrist", "PCK@0.2", "Wrist"),
        ("PCKh@0.5_left_hand", "PCKh@0.5", "left_hand"),
        ("mAP", "mAP", ""),
        ("Wrist", "mAP", "Wrist"),
    ],
)
def test_a_name_says_of_what_and_of_which_group_it_is(metric, label, group):
    assert parted(metric) == (label, group)


def test_a_group_of_which_a_keypoint_is_missing_has_no_place():
    assert places(("b", "a"), ("a", "b", "c")) == [1, 0]
    assert places(("b", "d"), ("a", "b", "c")) == [] == places((), ("a",))


def test_groups_are_those_of_the_skeleton_where_all_runs_agree(tmp_path):
    for number in (1, 2, 3):
        pose_job(tmp_path / str(number), seed=number, pck=0.5 if number < 3 else None)
    first, second, silent = read_jobs([tmp_path])[0]
    assert groups_of([first, second]) == {name: (f"joint_{i}",) for i, name in enumerate(COLUMNS)}
    assert groups_of([first, silent]) == {} == groups_of([])
    assert group_metrics([silent]) == []
    assert group_metrics([first])[:2] == ["PCK@0.2_Head", "PCK@0.2_Shoulder"]
    change_columns(tmp_path / "2", {"Head": ["joint_1"]})
    assert groups_of(read_jobs([tmp_path])[0][:2]) == {}


def test_a_groups_figures_are_those_of_its_joints_in_each_image(tmp_path):
    for seed in (0, 1):
        change_columns(pose_job(tmp_path / str(seed), seed=seed, pck=0.6), {"Arm": ["joint_2", "joint_5"]})
    jobs, _ = read_jobs([tmp_path])
    answers = PoseAnswers(jobs)
    scores = answers.scores("PCK@0.2_Arm", jobs, [0, 1])
    for job, value in zip(jobs, scores.values, strict=True):
        singles = PoseImages.load(job.path / "per_image.npz").singles
        found, counted = (of["PCK@0.2"][:, [2, 5]].sum(axis=0) for of in (singles.found, singles.counted))
        assert value == pytest.approx(100 * np.mean(found / counted))
    # an image of weight 0 is left out, and one in which none of the group counts is no draw
    there = singles.counted["PCK@0.2"][:, [2, 5]].any(axis=1)
    assert scores.unit == "images" and scores.count == there.sum()
    one = scores.of_clusters(np.eye(scores.count))[:, 1]
    found, counted = (of["PCK@0.2"][there][:, [2, 5]] for of in (singles.found, singles.counted))
    assert one == pytest.approx([100 * np.mean(f[c]) for f, c in zip(found, counted, strict=True)])
    arm = answers.scores("Arm", jobs, [0, 1])
    images = answers.images[jobs[1].path]
    each = [
        PoseImages(
            images.names,
            images.clips,
            ("x",),
            images.truth[:, [joint]],
            images.places[images.joints == joint],
            np.zeros((images.joints == joint).sum(), int),
            images.scores[images.joints == joint],
            images.correct[images.joints == joint],
        ).mean_ap(np.ones((1, len(images))))[0]
        for joint in (2, 5)
    ]
    assert arm.values[1] == pytest.approx(np.mean(each))
    for unknown in ("PCK@0.2_Leg", "Leg", "OKS_AP"):
        assert answers.scores(unknown, jobs, [0, 1]) is None


def test_an_image_in_which_none_of_the_group_counts_is_not_drawn(tmp_path):
    jobs, _ = read_jobs([pose_job(tmp_path / "1", pck=0.5)])
    answers = PoseAnswers(jobs)
    counted = answers.images[jobs[0].path].singles.counted["PCK@0.2"][:, COLUMNS.index("Wrist")]
    assert answers.scores("PCK@0.2_Wrist", jobs, [0]).count == counted.sum() < len(counted)


def test_groups_are_among_the_metrics_and_a_star_asks_for_all(tmp_path):
    pose_job(tmp_path / "1", pck=0.5)
    jobs, _ = read_jobs([tmp_path])
    chosen = [metric.name for metric in choose_metrics(["PCKh@0.5", "PCKh@0.5_*", "test/Wrist"], jobs, True)]
    assert chosen == ["PCKh@0.5", *(f"PCKh@0.5_{name}" for name in COLUMNS), "Wrist"]
    (metric,) = choose_metrics(["PCK@0.2_Knee"], jobs, True)
    assert metric.title == "PCK@0.2_Knee, %" and metric.higher and metric.scale == 1
    with pytest.raises(Exception, match=r"metrics=PCK@0.2_Kneee: no job has it. Did you mean 'PCK@0.2_Knee'"):
        choose_metrics(["PCK@0.2_Kneee"], jobs, True)
    with pytest.raises(Exception, match=r"metrics=nothing\*: no job has it"):
        choose_metrics(["nothing*"], jobs, True)


def test_a_comparison_has_a_mean_a_spread_and_a_paired_difference_of_each_group(tmp_path):
    for model, share in (("none", 0.5), ("more", 0.7)):
        for seed in range(6):
            pose_job(tmp_path / "s" / f"{model}{seed}", [f"model={model}"], seed, pck=share)
    metrics = ["PCK@0.2", "PCK@0.2_*"]
    (table,) = compare_sweeps(tmp_path / "s", by=["model"], metrics=metrics).to_dict()["tables"]
    assert list(table["metrics"]) == ["PCK@0.2", *(f"PCK@0.2_{name}" for name in COLUMNS)]
    none, more = table["metrics"]["PCK@0.2_Wrist"]
    assert none["std"] is not None and none["interval"]["low"] < none["mean"] < none["interval"]["high"]
    pairs = np.subtract(more["values"], none["values"])
    assert more["difference"]["estimate"] == pytest.approx(pairs.mean())
    assert more["difference"]["over_both"]["low"] is not None
    assert json.dumps(table, allow_nan=False)
