"""`dancepose-compare` where files of a sweep are damaged: the sound jobs are compared, the others named."""

import json
from pathlib import Path

import pytest
from run_directories import motion_job, motion_sweep
from running import run_task

from dancepose.compare import compare
from dancepose.errors import DataError


@pytest.fixture
def sweep(tmp_path) -> Path:
    return motion_sweep(tmp_path / "sweep", {"none": 0.7, "cbam1": 0.8}, [0, 1])


def run(folder: Path, *overrides: str) -> dict:
    run_task(compare, "compare", folder, "resamples=100", "pictures=0", *overrides)
    return json.loads((folder / "comparison.json").read_text())


@pytest.mark.parametrize(
    "name", ["per_sample.npz", "metrics.json", "metrics.csv", "config.yaml", "overrides.yaml", "choices.yaml"]
)
def test_a_damaged_job_is_left_out_and_the_others_are_compared(sweep, tmp_path, capsys, name):
    job = sweep / "model.attention=cbam1,seed=0"
    content = (job / name).read_bytes()
    (job / name).write_bytes(content[: len(content) // 3])
    told = run(tmp_path / "out", f"sweeps=[{sweep}]", "costs=0")
    (one,) = told["left_out"]
    assert one["path"] == str(job) and one["status"] == "damaged" and one["cause"].startswith(name)
    jobs = told["tables"][0]["jobs"]
    assert [len(paths) for paths in jobs.values()] == [2, 1] and name in capsys.readouterr().out


def test_where_nothing_is_left_it_is_one_clear_error(sweep, tmp_path):
    for job in sweep.iterdir():
        (job / "metrics.json").write_text("{")
    with pytest.raises(
        DataError, match=r"no job of .*sweep can be .*metrics\.json is no whole.*; and 1 more$"
    ):
        run(tmp_path / "out", f"sweeps=[{sweep}]")


def test_a_broken_jobs_json_is_told_beside_the_table(sweep, tmp_path):
    (sweep / "jobs.json").write_text('{"model')
    told = run(tmp_path / "out", f"sweeps=[{sweep}]", "costs=0")
    assert told["left_out"] == [] and any(
        "jobs.json is no whole JSON" in n for n in told["tables"][0]["notes"]
    )


def test_a_metric_that_is_the_same_is_called_by_its_name(tmp_path):
    for number, name in enumerate(("none", "cbam1")):
        motion_job(tmp_path / "s" / name, [f"x={name}"], 0, 0.8, config={"x": name}, draw=number)
    told = run(tmp_path / "out", f"sweeps=[{tmp_path / 's'}]", "costs=0")
    words = told["tables"][0]["metrics"]["accuracy"][1]["difference"]["words"]
    assert words.startswith("cbam1 and none have the same test/accuracy in their only pair, which decides")
