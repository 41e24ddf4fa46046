"""Files that a comparison reads beside the samples: logs and reports."""

import pytest
from run_directories import motion_job, pose_job

from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.whole import whole_jobs


def damage(path, part: float) -> None:
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_a_run_whose_log_is_cut_off_is_left_out(tmp_path, part):
    for name in ("1", "2"):
        motion_job(tmp_path / name)
    damage(tmp_path / "1" / "metrics.csv", part)
    there, (one,) = whole_jobs(read_jobs([tmp_path])[0], poses=False)
    assert [job.path.name for job in there] == ["2"] and one.path.name == "1" and one.status == "damaged"
    assert one.cause.startswith("metrics.csv is ") and one.cause.endswith("without its learning curves")


def test_the_remedy_told_for_a_log_is_one(tmp_path):
    (motion_job(tmp_path / "1") / "metrics.csv").unlink()
    there, left_out = whole_jobs(read_jobs([tmp_path])[0], poses=False)
    assert len(there) == 1 and left_out == []


@pytest.mark.parametrize("content", ["", "{", "{}", '{"rows": {"mAP": {"columns": {"Head": "good"}}}}'])
def test_a_run_of_poses_with_a_broken_report_is_left_out(tmp_path, content):
    for name in ("1", "2"):
        pose_job(tmp_path / name)
    (tmp_path / "1" / "test.json").write_text(content)
    there, (one,) = whole_jobs(read_jobs([tmp_path])[0], poses=True)
    assert [job.path.name for job in there] == ["2"] and one.cause.startswith("test.json is no ")
    assert one.cause.endswith(f"dancepose-evaluate run={tmp_path / '1'} hydra.run.dir={tmp_path / '1'}")
