"""Jobs that are compared by an evaluation with other settings than their trainings tested with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from comparisons import DRAWS
from run_directories import RESULT, motion_job, pose_job

from dancepose.errors import ConfigError, DataError
from dancepose.inference.drawing import write_image
from dancepose.sweeps import answers
from dancepose.sweeps.arms import group_jobs
from dancepose.sweeps.best_run import pictures_of
from dancepose.sweeps.comparison import compare_groups
from dancepose.sweeps.evaluations import (
    Evaluation,
    check_name,
    evaluation_folder,
    evaluation_notes,
    run_mark,
    with_evaluation,
)
from dancepose.sweeps.jobs import Job, read_jobs
from dancepose.sweeps.measures import choose_metrics
from dancepose.sweeps.whole import comparable_jobs

SETTINGS = {"which": "last", "flip": True, "scales": [1.0]}


def evaluated(run: Path, name: str = "flip", found: float = 0.8, **changed) -> Path:
    """Leave an evaluation of a run, of the same images, in which other joints are found."""
    folder = evaluation_folder(run, name)
    other = pose_job(run.parent.parent / "other" / run.name / name, seed=9, found=found, pck=found)
    folder.mkdir(parents=True)
    for file in ("per_image.npz", "test.json"):
        shutil.copy(other / file, folder / file)
    metrics = json.loads((other / "metrics.json").read_text())["metrics"]
    metrics = {key: value for key, value in metrics.items() if key.startswith("test/")}
    mark = run_mark(json.loads((run / "metrics.json").read_text()))
    Evaluation(**{"settings": SETTINGS, "asked": {}, "run": mark, "data": RESULT["data"], "metrics": metrics}
               | changed).save(folder)  # fmt: skip
    return folder


@pytest.fixture
def sweep(tmp_path) -> Path:
    for model, found in (("none", 0.5), ("more", 0.6)):
        for seed in (0, 1):
            run = pose_job(tmp_path / "s" / f"{model}{seed}", [f"model={model}"], seed, found, pck=found)
            evaluated(run, found=found + 0.1 * seed)
    return tmp_path / "s"


def test_figures_samples_reports_and_pictures_are_those_of_the_evaluation(sweep):
    plain, _, _ = comparable_jobs([str(sweep)])
    jobs, left_out, poses = comparable_jobs([str(sweep)], "flip")
    assert poses and left_out == [] and [job.path for job in jobs] == [job.path for job in plain]
    for job, own in zip(jobs, plain, strict=True):
        folder = job.path / "evaluations" / "flip"
        assert (job.tested, own.tested) == (folder, own.path)
        assert job.metrics == Evaluation.load(folder).metrics != own.metrics
        assert job.objective == own.objective  # runs are chosen by what the training said
    group = group_jobs(jobs, ["model"], "none")
    (table,) = compare_groups(group, choose_metrics(["mAP", "PCK@0.2_Knee"], jobs, True), True, DRAWS)
    values = [value for arm in table.metrics[0].arms for value in arm.values]
    order = [job for arm in table.group.arms.values() for job in arm.jobs]
    assert values == pytest.approx([job.metrics["test/mAP"] for job in order])
    totals = [json.loads((j.tested / "test.json").read_text())["rows"]["mAP"]["columns"] for j in order[:2]]
    assert table.parts.rows["none"]["Wrist"][0] == pytest.approx(sum(t["Wrist"] for t in totals) / 2)
    write_image(jobs[0].tested / "pictures" / "test_frames.jpg", np.zeros((8, 8, 3), np.uint8))
    assert len(pictures_of(jobs[0], 4)) == 1 and pictures_of(plain[0], 4) == []
    (note,) = evaluation_notes(jobs)
    assert note == (
        "figures of evaluation=flip, not of the trainings' own tests: which=last flip=true 'scales=[1.0]'"
    )
    assert evaluation_notes(plain) == []


def test_samples_that_are_not_held_are_read_again_from_the_evaluation(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "KEPT", 0)
    jobs, _, _ = comparable_jobs([str(sweep)], "flip")
    scores = answers.PoseAnswers(jobs).scores("mAP", jobs, [*range(4)])
    assert scores.values == pytest.approx([job.metrics["test/mAP"] for job in jobs])
    run = motion_job(tmp_path / "m" / "1", right=0.5)
    folder = evaluation_folder(run, "x")
    folder.mkdir(parents=True)
    shutil.copy(motion_job(tmp_path / "m" / "other", right=0.7) / "per_sample.npz", folder)
    job = replace(read_jobs([run])[0][0], evaluation="x")
    assert answers.MotionAnswers([job]).scores("accuracy", [job], [0]).values == pytest.approx([0.7])


def test_motions_are_compared_by_their_evaluations_too(tmp_path):
    for name, right in (("none", 0.5), ("more", 0.6)):
        run = motion_job(tmp_path / "s" / name, [f"x={name}"], right=right)
        other = motion_job(tmp_path / "other" / name, right=right + 0.2)
        folder = evaluation_folder(run, "fp32")
        folder.mkdir(parents=True)
        shutil.copy(other / "per_sample.npz", folder)
        (folder / "test.json").write_text(json.dumps({"difference_from_paper": f"it is {name}"}))
        metrics, mark = (json.loads((o / "metrics.json").read_text()) for o in (other, run))
        settings = {"which": "best", "precision": "32-true"}
        Evaluation(settings, {}, run_mark(mark), RESULT["data"], metrics["metrics"]).save(folder)
    jobs, left_out, poses = comparable_jobs([str(tmp_path / "s")], "fp32")
    assert left_out == [] and not poses
    groups = group_jobs(jobs, ["x"], "none")
    (table,) = compare_groups(groups, choose_metrics(None, jobs, False), False, DRAWS)
    assert [arm.values for arm in table.metrics[0].arms] == [(pytest.approx(70),), (pytest.approx(80),)]
    assert "more differs from its paper: it is more" in table.notes


def test_a_job_without_the_evaluation_is_left_out_with_the_command_that_makes_it(sweep):
    shutil.rmtree(sweep / "none0" / "evaluations" / "flip")
    evaluated(sweep / "none0", "scales")
    jobs, (one,) = with_evaluation(read_jobs([sweep])[0], "flip")
    assert len(jobs) == 3 and one.path == sweep / "none0"
    assert one.cause == (
        "it has no evaluation 'flip' (there is scales): make it by dancepose-evaluate "
        f"run={sweep / 'none0'} evaluation=flip which=last flip=true 'scales=[1.0]'"
    )
    with pytest.raises(
        DataError, match=r"it has no evaluation 'flop' .there is flip.*and its settings.*sweep="
    ):
        comparable_jobs([str(sweep)], "flop")


def test_an_evaluation_of_an_earlier_training_is_not_compared(sweep):
    path = sweep / "more1" / "metrics.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"seconds": 3}))  # nothing that a training comes to
    assert with_evaluation(read_jobs([sweep])[0], "flip")[1] == []
    result["metrics"]["val/mAP"] += 1
    path.write_text(json.dumps(result))
    _, (one,) = with_evaluation(read_jobs([sweep])[0], "flip")
    assert one.path == path.parent and "is of an earlier training of it: make it again by" in one.cause
    assert one.cause.endswith("evaluation=flip which=last flip=true 'scales=[1.0]'")


def test_an_evaluation_of_other_labels_is_not_compared(sweep):
    shutil.rmtree(evaluation_folder(sweep / "more1", "flip"))
    evaluated(sweep / "more1", data="e" * 16, found=0.7, name="flip2")
    evaluation_folder(sweep / "more1", "flip2").rename(evaluation_folder(sweep / "more1", "flip"))
    _, (one,) = with_evaluation(read_jobs([sweep])[0], "flip")
    assert f"(labels {'e' * 16}) than its training ({'d' * 16})" in one.cause


def test_different_settings_are_never_mixed(sweep):
    folder = evaluation_folder(sweep / "none1", "flip")
    content = json.loads((folder / "evaluation.json").read_text())
    content["settings"]["which"] = "best"
    (folder / "evaluation.json").write_text(json.dumps(content))
    with pytest.raises(DataError) as error:
        comparable_jobs([str(sweep)], "flip")
    told = str(error.value)
    assert "which=best flip=true 'scales=[1.0]': s/none1" in told
    assert f"run={sweep / 'none1'} evaluation=flip which=last flip=true" in told


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": {}, "metrics": {"test/mAP": "good"}}'])
def test_a_damaged_evaluation_is_left_out(sweep, content):
    (evaluation_folder(sweep / "none0", "flip") / "evaluation.json").write_text(content)
    jobs, (one,) = with_evaluation(read_jobs([sweep])[0], "flip")
    assert len(jobs) == 3 and one.status == "damaged" and one.path == sweep / "none0"
    assert one.cause.startswith("evaluations/flip/evaluation.json ")
    assert one.cause.endswith(f"run={one.path} evaluation=flip which=last flip=true 'scales=[1.0]'")


@pytest.mark.parametrize("file", ["per_image.npz", "test.json"])
def test_damaged_files_of_an_evaluation_are_made_again_by_its_settings(sweep, file):
    path = evaluation_folder(sweep / "none0", "flip") / file
    path.write_bytes(path.read_bytes()[:50])
    jobs, (one,), _ = comparable_jobs([str(sweep)], "flip")
    assert len(jobs) == 3 and f"run={sweep / 'none0'} evaluation=flip which=last flip=true" in one.cause
    path.unlink()
    if file == "per_image.npz":
        _, (one,), _ = comparable_jobs([str(sweep)], "flip")
        assert one.cause.startswith("it has no per_image.npz: write it by dancepose-evaluate run=")
        assert one.cause.endswith("evaluation=flip which=last flip=true 'scales=[1.0]'")


def test_files_of_another_evaluation_in_its_folder_are_not_compared(sweep):
    folder = evaluation_folder(sweep / "none0", "flip")
    shutil.copy(sweep / "none0" / "per_image.npz", folder / "per_image.npz")
    _, (one,), _ = comparable_jobs([str(sweep)], "flip")
    assert "per_image.npz gives mAP" in one.cause and "evaluation.json" in one.cause


def test_a_run_that_its_training_did_not_test_can_be_compared_by_an_evaluation(tmp_path):
    run = pose_job(tmp_path / "s" / "1", metrics={"val/mAP": 3.0})
    evaluated(run)
    assert comparable_jobs([str(tmp_path / "s")], "flip")[0][0].path == run
    with pytest.raises(DataError, match="test=true"):
        comparable_jobs([str(tmp_path / "s")])


@pytest.mark.parametrize("name", ["a/b", "..", ".x", "", "a b"])
def test_a_name_is_one_of_a_folder(name):
    with pytest.raises(ConfigError, match="evaluation="):
        check_name(name)
    check_name("flip_2.0-x")


def test_what_is_compared_by_the_training_is_in_the_run(tmp_path):
    job = Job(tmp_path, "x", {}, {}, {}, {}, None)
    assert job.tested == tmp_path
