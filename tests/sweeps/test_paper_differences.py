"""How a network differs from the paper that it is named after stands beside its figures."""

import json

import pytest
from comparisons import compare_sweeps
from run_directories import motion_job

from dancepose.sweeps.jobs import read_jobs
from dancepose.sweeps.paper_differences import paper_difference
from dancepose.sweeps.whole import whole_jobs

TOLD = {"motion_str": "in the plane", "motion": ""}


@pytest.fixture
def sweep(tmp_path):
    for model, told in TOLD.items():
        for seed in (0, 1):
            choices = {"model": model, "data": "action"}
            run = motion_job(
                tmp_path / "table4" / f"{model}_{seed}", [f"model={model}"], seed, choices=choices
            )
            (run / "test.json").write_text(json.dumps({"difference_from_paper": told}))
    return tmp_path / "table4"


def test_a_note_for_each_arm_that_differs(sweep):
    (table,) = compare_sweeps(sweep, by=["model"], against="motion").tables
    notes = [note for note in table.notes if "paper" in note]
    assert notes == ["motion_str differs from its paper: in the plane"]


def test_a_report_that_cannot_be_read_leaves_its_run_out(sweep):
    first, second, third, _ = sorted(sweep.iterdir())
    (first / "test.json").write_text("{")
    (second / "test.json").write_text('{"difference_from_paper": 3}')
    (third / "test.json").unlink()
    assert paper_difference(third) == ""
    there, left_out = whole_jobs(read_jobs([sweep])[0], poses=False)
    assert {job.path.name for job in there} == {path.name for path in sorted(sweep.iterdir())[2:]}
    assert all(f"dancepose-evaluate run={one.path}" in one.cause for one in left_out) and len(left_out) == 2
