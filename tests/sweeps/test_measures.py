"""Metrics by which arms are compared, and their scores."""

import numpy as np
import pytest
from run_directories import motion_job, pose_job

from dancepose.errors import ConfigError
from dancepose.sweeps.answers import MotionAnswers
from dancepose.sweeps.arms import Arm
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.measures import Scaled, SeedMeans, arm_scores, choose_metrics, metric_of
from dancepose.sweeps.scores import AccuracyScores, PlainScores


@pytest.mark.parametrize(
    "value, signed, told",
    [
        (71.26, False, "71.3"),
        (0.04, True, "0.0"),
        (-0.04, True, "0.0"),
        (2.0, True, "+2.0"),
        (None, True, "-"),
    ],
)
def test_a_value_is_told_in_the_unit_of_its_title(value, signed, told):
    assert metric_of("accuracy", poses=False).told(value, signed) == told


def test_losses_and_calibration_errors_are_no_percent_and_less_is_better():
    assert metric_of("ECE", False).title == "calibration error" and not metric_of("loss", True).higher
    assert metric_of("ECE", False).told(0.03456) == "0.035" and metric_of("mAP", True).scale == 1
    assert metric_of("accuracy_wave", False).scale == 100 and metric_of("accuracy_wave", False).higher


def test_metrics_are_those_of_the_family_or_what_is_asked_for(tmp_path):
    jobs, _ = read_jobs([motion_job(tmp_path / "motion")])
    assert [m.name for m in choose_metrics(None, jobs, False)] == ["accuracy", "macro_F1", "ECE"]
    assert [m.name for m in choose_metrics(["loss", "test/ECE", "loss"], jobs, False)] == ["loss", "ECE"]
    with pytest.raises(ConfigError, match=r"metrics=acuracy: no job has it\. Did you mean 'accuracy'"):
        choose_metrics(["acuracy"], jobs, False)
    with pytest.raises(ConfigError, match="test part alone"):
        choose_metrics(["val/accuracy"], jobs, False)
    with pytest.raises(ConfigError, match="at least one"):
        choose_metrics([], jobs, False)
    poses, _ = read_jobs([pose_job(tmp_path / "pose")])
    assert [m.name for m in choose_metrics(None, poses, True)] == ["mAP"]


def test_runs_of_a_seed_are_averaged():
    correct = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    means = SeedMeans([0, 0, 4], AccuracyScores([0, 1, 2], correct))
    assert means.seeds == (0, 4) and means.values.tolist() == [0.75, 0.0]
    assert means.of_clusters(np.array([[1.0, 0, 0, 1]])).tolist() == [[0.75, 0.0]]
    assert means.clusters == [None] * 4
    scaled = Scaled(means, 100)
    assert scaled.values.tolist() == [75, 0] and scaled.of_clusters(np.ones((2, 4))).shape == (2, 2)


def test_a_metric_of_which_one_number_a_run_is_known(tmp_path):
    motion_job(tmp_path / "1", seed=0)
    motion_job(tmp_path / "2", seed=1, metrics={"test/accuracy": 0.5})
    jobs, _ = read_jobs([tmp_path])
    scores = arm_scores("loss", Arm("x", tuple(jobs)), MotionAnswers(jobs))
    assert isinstance(scores, PlainScores) and scores.seeds == (0, 1) and scores.unit == "clips"
    assert scores.values[0] == pytest.approx(0.2) and np.isnan(scores.values[1])


def test_a_class_may_be_called_like_a_loss():
    metric = metric_of("accuracy_gloss", poses=False)
    assert metric.higher and metric.title.endswith("%")
