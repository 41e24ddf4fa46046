import csv

import torch

from dancepose.callbacks.csv_log import CSVLog


def rows(path):
    with (path / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_scalars_of_one_step_share_a_row_and_late_columns_are_added(tmp_path):
    log = CSVLog(tmp_path)
    log.log_metrics({"train/loss": torch.tensor(0.5), "epoch": 0}, step=1)
    log.log_metrics({"val/mAP": 12.5, "epoch": 0}, step=1)
    log.save()
    log.log_metrics({"lr": 0.1}, step=2)
    log.finalize("success")
    assert rows(tmp_path) == [
        {"step": "1", "epoch": "0.0", "lr": "", "train/loss": "0.5", "val/mAP": "12.5"},
        {"step": "2", "epoch": "", "lr": "0.1", "train/loss": "", "val/mAP": ""},
    ]


def test_a_resumed_run_keeps_its_rows_up_to_where_it_goes_on(tmp_path):
    first = CSVLog(tmp_path)
    for step in (10, 20, 30):
        first.log_metrics({"train/loss": float(step)}, step=step)
    first.save()
    second = CSVLog(tmp_path)
    second.log_metrics({"train/loss": -1.0}, step=20)
    second.save()
    assert [(r["step"], r["train/loss"]) for r in rows(tmp_path)] == [("10", "10.0"), ("20", "-1.0")]


def test_the_file_is_not_written_at_every_step_but_after_a_validation_and_with_a_checkpoint(tmp_path):
    log = CSVLog(tmp_path)
    for step in range(5):
        log.log_metrics({"train/loss": 1.0}, step=step)
        log.save()
    assert len(rows(tmp_path)) == 1
    log.log_metrics({"val/mAP": 1.0}, step=5)
    assert len(rows(tmp_path)) == 6
    log.log_metrics({"train/loss": 1.0}, step=6)
    log.after_save_checkpoint(None)
    assert len(rows(tmp_path)) == 7
