"""Learning curves of arms."""

import numpy as np
import pytest
from run_directories import motion_sweep

from dancepose.errors import DataError
from dancepose.sweeps.arms import Group, group_jobs
from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.learning import MOST, check_log, learning_curves, read_log


def group_of(sweep) -> Group:
    return group_jobs(read_jobs([sweep])[0], [], "none")[0]


def test_means_and_spread_over_seeds_epoch_by_epoch(tmp_path):
    motion_sweep(tmp_path, {"none": 0.6, "cbam1": 0.9}, [0, 1, 2], epochs=4, samples=100)
    curves = learning_curves(group_of(tmp_path), ["accuracy", "macro_F1"])
    assert list(curves) == ["val/accuracy", "val/loss", "train/loss"]
    curve = curves["val/accuracy"]["none"]
    assert curve.epochs.tolist() == [1, 2, 3, 4] and curve.runs == 3
    finals = [job.metrics["test/accuracy"] for job in group_of(tmp_path).arms["none"].jobs]
    assert curve.mean[-1] == pytest.approx(np.mean(finals))
    assert curve.spread[-1] == pytest.approx(np.std(finals, ddof=1))
    assert curve.mean[0] == pytest.approx(curve.mean[-1] / 4)


def test_what_was_logged_several_times_in_an_epoch_is_averaged(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,epoch,train/loss,val/loss\n0,,9,\n1,0.0,2,\n2,0.0,4,\n2,0.0,,7\n5,1.0,1,\n")
    assert read_log(path, ["train/loss", "val/loss", "x"]) == {
        "train/loss": {1: 3.0, 2: 1.0},
        "val/loss": {1: 7.0},
    }


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("1,1,x,", "could not convert"),
        ("1,1,2", "line 3 has 3 cells, not 4"),
        ("1,inf,2,", "cannot convert"),
        ('1,1,2,"3', ""),
    ],
)
def test_a_log_is_checked_to_its_last_cell(tmp_path, row, what):
    path = tmp_path / "metrics.csv"
    sound = 'step,epoch,train/loss,"val/accuracy_a,b"\n0,,9,\n'
    path.write_text(f"{sound}1,0,2,0.5\n\n")
    check_log(tmp_path)
    assert read_log(path, ["val/accuracy_a,b"]) == {"val/accuracy_a,b": {1: 0.5}}
    path.write_text(f"{sound}{row}")
    with pytest.raises(DataError, match=rf"metrics\.csv is (no log of a run \(.*{what}|cut off)"):
        check_log(tmp_path)


def test_the_mean_of_all_steps_of_an_epoch_is_preferred(tmp_path):
    motion_sweep(tmp_path, {"none": 0.6, "cbam1": 0.7}, [0])
    for path in tmp_path.glob("*/metrics.csv"):
        path.write_text("step,epoch,train/loss,train/loss_epoch\n1,0,5,\n2,0,,0.5\n")
    curves = learning_curves(group_of(tmp_path), [])
    assert list(curves) == ["train/loss"] and curves["train/loss"]["none"].mean.tolist() == [0.5]


def test_seeds_of_unequal_length_and_diverged_ones(tmp_path):
    motion_sweep(tmp_path, {"none": 0.6, "cbam1": 0.7}, [0, 1])
    first, second = sorted(tmp_path.glob("*none*/metrics.csv"))
    first.write_text("step,epoch,val/loss\n1,0,1\n2,1,nan\n3,2,inf\n")
    second.write_text("step,epoch,val/loss\n1,0,2\n2,1,4\n")
    curve = learning_curves(group_of(tmp_path), [])["val/loss"]["none"]
    assert curve.epochs.tolist() == [1, 2] and curve.mean.tolist() == [1.5, 4.0]
    assert curve.spread.tolist() == [pytest.approx(0.5**0.5), 0.0]
    for path in (first, second):
        path.write_text("step,epoch,val/loss\n1,0,nan\n")
    assert list(learning_curves(group_of(tmp_path), [])["val/loss"]) == ["cbam1"]


def test_long_trainings_are_thinned_out(tmp_path):
    motion_sweep(tmp_path, {"none": 0.6, "cbam1": 0.7}, [0], epochs=1000)
    curve = learning_curves(group_of(tmp_path), ["accuracy"])["val/accuracy"]["none"]
    assert len(curve.epochs) == MOST and curve.epochs[0] == 1 and curve.epochs[-1] == 1000


@pytest.mark.parametrize(
    "text", ["step,val/loss\n1,2\n", "step,epoch,val/loss\n1,0,x\n", "step,epoch,val/loss\n1,0\n"]
)
def test_a_broken_log_is_named(tmp_path, text):
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"metrics\.csv is no log of a run"):
        read_log(path, ["val/loss"])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"metrics\.csv is no log"):
        read_log(path, ["val/loss"])
