"""Metrics by keypoint group and by class."""

import json

import pytest
from run_directories import COLUMNS, motion_sweep, pose_job

from dancepose.errors import DataError
from dancepose.sweeps.answers import MotionAnswers
from dancepose.sweeps.arms import Group, group_jobs
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.parts import class_parts, keypoint_parts


@pytest.fixture
def poses(tmp_path):
    for method, found in (("ae", 0.6), ("paf", 0.5)):
        for seed in (0, 1):
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, found)
    return tmp_path


def group_of(sweep, by: str, against: str) -> Group:
    return group_jobs(read_jobs([sweep])[0], [by], against)[0]


def test_table_2_of_the_pose_paper_comes_out_of_a_sweep(poses):
    parts = keypoint_parts(group_of(poses, "model/codec", "ae"))
    assert parts.columns == (*COLUMNS, "Total") and list(parts.rows) == ["ae", "paf"]
    mean, std = parts.rows["ae"]["Shoulder"]
    assert mean == pytest.approx(61.5) and std == pytest.approx(0.5**0.5)
    totals = [json.loads((poses / f"paf{seed}" / "metrics.json").read_text())["objective"] for seed in (0, 1)]
    assert parts.rows["paf"]["Total"][0] == pytest.approx(sum(totals) / 2)
    assert parts.title == "MPII mAP, %"


def test_runs_without_a_report_are_missing_in_the_means(poses):
    (poses / "ae0" / "test.json").unlink()
    parts = keypoint_parts(group_of(poses, "model/codec", "ae"))
    assert parts.rows["ae"]["Head"] == (pytest.approx(61.0), None)
    for path in poses.glob("*/test.json"):
        path.unlink()
    assert keypoint_parts(group_of(poses, "model/codec", "ae")) is None


@pytest.mark.parametrize("content", ['{"rows": {}}', '{"rows": {"mAP": {"columns": {"Head": "x"}}}}'])
def test_a_report_of_something_else_is_named(poses, content):
    (poses / "ae0" / "test.json").write_text(content)
    with pytest.raises(DataError, match=r"ae0/test\.json is no report of poses"):
        keypoint_parts(group_of(poses, "model/codec", "ae"))


def test_classes_of_motions(tmp_path):
    motion_sweep(tmp_path, {"none": 1.0}, [0], key="model/attention")
    motion_sweep(tmp_path, {"cbam1": 0.5}, [0, 1])
    group = group_of(tmp_path, "model/attention", "none")
    jobs = [job for arm in group.arms.values() for job in arm.jobs]
    parts = class_parts(group, MotionAnswers(jobs))
    assert parts.columns == ("wave", "walk", "other")
    assert parts.rows["none"]["wave"][0] > 90 and parts.rows["none"]["wave"][1] is None
    assert parts.rows["cbam1"]["wave"][1] is not None
    assert json.dumps(parts.to_dict(), allow_nan=False)
