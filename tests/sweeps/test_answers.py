"""What runs answered to the same test samples."""

import numpy as np
import pytest
from run_directories import motion_job, pose_job

from dancepose.errors import DataError
from dancepose.metrics.samples import FILE, MotionSamples
from dancepose.sweeps.answers import MotionAnswers, PoseAnswers, with_samples
from dancepose.sweeps.jobs import read_jobs


def test_runs_that_met_the_samples_in_another_order_are_put_right(tmp_path):
    motion_job(tmp_path / "1", right=0.7)
    motion_job(tmp_path / "2", right=0.7)
    path = tmp_path / "2" / FILE
    samples = MotionSamples.load(path)
    samples.select(np.random.default_rng(0).permutation(len(samples))).save(path)
    jobs, _ = read_jobs([tmp_path])
    answers = MotionAnswers(jobs)
    first, second = (answers.predicted[job.path] for job in jobs)
    assert (first == second).all() and (first == answers.labels).mean() == pytest.approx(0.7)
    assert np.allclose(answers.confidence[jobs[1].path], 0.9)


def test_confusion_and_recalls_are_of_these_runs(tmp_path):
    motion_job(tmp_path / "1", right=1.0)
    motion_job(tmp_path / "2", right=0.0)
    jobs, _ = read_jobs([tmp_path])
    answers = MotionAnswers(jobs)
    assert answers.confusion(jobs[:1]).tolist() == [[20, 0, 0], [0, 20, 0], [0, 0, 20]]
    assert answers.confusion(jobs).tolist() == [[20, 20, 0], [0, 20, 20], [20, 0, 20]]
    assert answers.recalls(jobs[0]) == {"wave": 1.0, "walk": 1.0, "other": 1.0}
    assert answers.recalls(jobs[1]) == {"wave": 0.0, "walk": 0.0, "other": 0.0}


def test_the_figures_are_those_of_the_samples(tmp_path):
    for number, right in enumerate((0.75, 0.5)):
        motion_job(tmp_path / str(number), seed=number, right=right)
    jobs, _ = read_jobs([tmp_path])
    answers = MotionAnswers(jobs)
    accuracy = answers.scores("accuracy", jobs, [0, 1])
    assert accuracy.values == pytest.approx([0.75, 0.5]) and accuracy.unit == "clips"
    assert answers.scores("ECE", jobs, [0, 1]).values == pytest.approx([0.15, 0.4], abs=1e-6)
    assert answers.scores("macro_F1", jobs, [0, 1]).values[0] == pytest.approx(0.75, abs=0.05)
    assert answers.scores("loss", jobs, [0, 1]) is None


@pytest.mark.parametrize("changed", [{"samples": 61}, {"classes": ("a", "b", "c")}])
def test_other_samples_are_refused(tmp_path, changed):
    motion_job(tmp_path / "1")
    motion_job(tmp_path / "2", **changed)
    with pytest.raises(DataError, match=r"2 and .*1 were tested on different samples.*split=\[split\]"):
        MotionAnswers(read_jobs([tmp_path])[0])


def test_no_samples_at_all_are_refused(tmp_path):
    motion_job(tmp_path / "1", samples=0)
    with pytest.raises(DataError, match="holds no sample"):
        MotionAnswers(read_jobs([tmp_path])[0])


def test_a_run_without_its_samples_is_left_out(tmp_path):
    motion_job(tmp_path / "1")
    (motion_job(tmp_path / "2") / FILE).unlink()
    there, left_out = with_samples(read_jobs([tmp_path])[0], poses=False)
    assert [job.path.name for job in there] == ["1"]
    run = tmp_path / "2"
    assert left_out[0].path == run
    assert left_out[0].cause.endswith(f"dancepose-evaluate run={run} hydra.run.dir={run}")


def test_a_run_of_poses_without_its_images_is_left_out(tmp_path):
    pose_job(tmp_path / "1")
    pose_job(tmp_path / "2", per_image=False)
    there, left_out = with_samples(read_jobs([tmp_path])[0], poses=True)
    assert [job.path.name for job in there] == ["1"]
    assert left_out[0].path.name == "2" and "per_image.npz" in left_out[0].cause


def test_a_file_of_another_evaluation_is_not_compared(tmp_path):
    """Of one with other weights or settings, which may be better than the test that metrics.json tells."""
    motion_job(tmp_path / "1", right=0.7)
    path = motion_job(tmp_path / "2", right=0.7) / FILE
    samples = MotionSamples.load(path)
    sure = np.eye(3)[samples.labels]
    MotionSamples(samples.ids, samples.clips, samples.labels, sure, samples.classes).save(path)
    there, left_out = with_samples(read_jobs([tmp_path])[0], poses=False)
    assert [job.path.name for job in there] == ["1"]
    assert "per_sample.npz gives accuracy 1, metrics.json 0.7" in left_out[0].cause
    assert f"hydra.run.dir={tmp_path / '2'}" in left_out[0].cause


def test_a_file_of_another_evaluation_of_poses_is_not_compared(tmp_path):
    pose_job(tmp_path / "1", seed=0)
    pose_job(tmp_path / "2", seed=1)
    (tmp_path / "1" / "per_image.npz").replace(tmp_path / "2" / "per_image.npz")
    pose_job(tmp_path / "3", seed=2)
    jobs = [job for job in read_jobs([tmp_path])[0] if job.path.name != "1"]
    there, left_out = with_samples(jobs, poses=True)
    assert [job.path.name for job in there] == ["3"] and "per_image.npz gives mAP" in left_out[0].cause


def test_joints_of_another_evaluation_are_not_compared(tmp_path):
    """The people who are grouped may be the same, and the peaks not."""
    pose_job(tmp_path / "1", seed=0, pck=0.5)
    pose_job(tmp_path / "2", seed=0, pck=0.6)
    (tmp_path / "1" / "per_image.npz").replace(tmp_path / "2" / "per_image.npz")
    pose_job(tmp_path / "3", seed=2, pck=0.6)
    jobs = [job for job in read_jobs([tmp_path])[0] if job.path.name != "1"]
    there, left_out = with_samples(jobs, poses=True)
    assert [job.path.name for job in there] == ["3"] and "per_image.npz gives PCK@0.2" in left_out[0].cause


def test_runs_with_other_joints_in_images_of_one_person_are_refused(tmp_path):
    for number in (1, 2):
        pose_job(tmp_path / str(number), seed=number, pck=0.5)
    path = tmp_path / "2" / "per_image.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["single_image"] = np.array([f"other_{name}" for name in arrays["single_image"]])
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="tested on different samples .images of one person"):
        PoseAnswers(read_jobs([tmp_path])[0])


@pytest.mark.parametrize("poses", [False, True])
@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_a_run_whose_samples_are_cut_off_is_left_out(tmp_path, poses, part):
    for name in ("1", "2"):
        (pose_job if poses else motion_job)(tmp_path / name)
    path = tmp_path / "1" / ("per_image.npz" if poses else FILE)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    there, (one,) = with_samples(read_jobs([tmp_path])[0], poses)
    assert [job.path.name for job in there] == ["2"] and one.path.name == "1" and one.status == "damaged"
    assert one.cause.startswith(path.name)
    assert one.cause.endswith(f"dancepose-evaluate run={path.parent} hydra.run.dir={path.parent}")


def test_accuracies_of_a_class_are_those_of_its_samples(tmp_path):
    motion_job(tmp_path / "1", right=0.7, classes=("wave", "walk", "other", "never"), samples=60)
    path = tmp_path / "1" / FILE
    samples = MotionSamples.load(path)
    samples.select(np.flatnonzero(samples.labels != 3)).save(path)
    jobs, _ = read_jobs([tmp_path])
    answers = MotionAnswers(jobs)
    for name in ("wave", "walk", "other"):
        scores = answers.scores(f"accuracy_{name}", jobs, [0])
        assert scores.values[0] == pytest.approx(answers.recalls(jobs[0])[name])
        assert scores.count == 12 and scores.unit == "clips"
    assert answers.scores("accuracy_never", jobs, [0]) is None
    assert answers.scores("accuracy_nobody", jobs, [0]) is None


def test_poses_are_scored_image_by_image(tmp_path):
    pose_job(tmp_path / "1", seed=0)
    pose_job(tmp_path / "2", seed=1)
    jobs, _ = read_jobs([tmp_path])
    answers = PoseAnswers(jobs)
    scores = answers.scores("mAP", jobs, [0, 1])
    assert scores.values == pytest.approx([job.metrics["test/mAP"] for job in jobs])
    assert scores.unit == "images" == answers.unit
    assert answers.scores("PCK@0.2", jobs, [0, 1]) is None
    for number in (5, 6):
        pose_job(tmp_path / "one person" / str(number), seed=number, pck=0.5)
    new, _ = read_jobs([tmp_path / "one person"])
    answers = PoseAnswers([*jobs, *new])
    assert answers.without_singles == jobs
    scores = answers.scores("PCK@0.2", new, [5, 6])
    assert scores.values == pytest.approx([job.metrics["test/PCK@0.2"] for job in new])
    assert scores.unit == "images" and scores.count == 20
    assert answers.scores("PCKh@0.5", new, [5, 6]).values == pytest.approx(scores.values)
    assert answers.scores("PCK@0.2", [*jobs, *new], [0, 1, 5, 6]) is None
    assert answers.scores("OKS_AP", new, [5, 6]) is None
    pose_job(tmp_path / "4", seed=3, images=9)
    with pytest.raises(DataError, match="tested on different samples"):
        PoseAnswers(read_jobs([tmp_path])[0])
