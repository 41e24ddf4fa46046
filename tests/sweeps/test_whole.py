"""Files that a comparison reads beside the samples: logs and reports."""

import numpy as np
import pytest
from run_directories import motion_job, motion_sweep, pose_job

from dancepose.errors import DataError
from dancepose.metrics.pose_images import PoseImages
from dancepose.metrics.samples import MotionSamples
from dancepose.sweeps import answers
from dancepose.sweeps.answers import MotionAnswers, PoseAnswers
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.whole import comparable_jobs, whole_jobs


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


def test_the_jobs_that_can_be_compared_with_all_others_and_why_not(tmp_path):
    motion_sweep(tmp_path / "a", {"none": 0.7, "cbam1": 0.8}, [0])
    damage(sorted((tmp_path / "a").iterdir())[0] / "metrics.csv", 0.5)
    motion_job(tmp_path / "a" / "failed", status="failed", cause="no memory")
    jobs, left_out, poses = comparable_jobs([str(tmp_path / "a")])
    assert [job.path.name for job in jobs] == ["model.attention=none,seed=0"] and not poses
    assert [one.status for one in left_out] == ["failed", "damaged"]
    for number in range(4):
        motion_job(tmp_path / "b" / str(number), status="failed", cause=f"no memory {number}")
    with pytest.raises(DataError, match=r"no job of .*b can be compared: .*no memory 0.*; and 1 more"):
        comparable_jobs([str(tmp_path / "b")])


@pytest.mark.parametrize("poses", [False, True])
@pytest.mark.parametrize(("room", "reads"), [(answers.KEPT, 3), (15_000, 5)])
def test_the_samples_of_a_run_are_read_once_where_there_is_room(tmp_path, monkeypatch, poses, room, reads):
    """A file of samples is most of what is read; of many large ones only some are held."""
    for seed in range(3):
        (pose_job if poses else motion_job)(tmp_path / str(seed), seed=seed)
    kind, read = (PoseImages, PoseAnswers) if poses else (MotionSamples, MotionAnswers)
    plain = read(read_jobs([tmp_path])[0])
    files, load = [], kind.load
    monkeypatch.setattr(kind, "load", lambda path: (files.append(path), load(path))[1])
    monkeypatch.setattr(answers, "KEPT", room)
    jobs, _, _ = comparable_jobs([str(tmp_path)])
    found = read(jobs)
    assert len(files) == reads and len(set(files)) == 3
    if poses:
        assert all(np.array_equal(found.images[p].scores, plain.images[p].scores) for p in plain.images)
    else:
        assert all(np.array_equal(found.predicted[p], plain.predicted[p]) for p in plain.predicted)
