import pytest

from dancepose.sweeps.ledger import Outcome
from dancepose.sweeps.outcome_table import BAD, in_full, outcome_table, plan_table, shortened


def test_the_table_tells_each_job_and_what_can_be_done():
    text = outcome_table(
        {
            "seed-0_a": Outcome("done", objective=0.51234, seconds=3725),
            "seed-1_b": Outcome("skipped", objective=0.5),
            "seed-2_c": Outcome("failed", "killed by SIGKILL\nmore"),
            "seed-3_d": Outcome("stale", "optimizer.lr was 0.1, is 0.2"),
        }
    )
    lines = text.splitlines()
    assert lines[0] == "4 jobs: 1 done, 1 skipped, 1 failed, 1 stale"
    assert lines[2].split() == ["seed-0_a", "done", "0.5123", "1:02:05"]
    assert lines[3].split() == ["seed-1_b", "skipped", "0.5000", "-"]
    assert lines[4].endswith("killed by SIGKILL") and lines[5].endswith("optimizer.lr was 0.1, is 0.2")
    assert [word in text for word in ("rerun=failed", "rerun=stale", "same command")] == [True, True, False]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome("failed", "no memory"), "failed jobs are run again with rerun=failed"),
        (Outcome("failed", "killed by SIGKILL", goes_on=True), "failed jobs that were killed, or could not"),
        (Outcome("unknown", "the data cannot be read: x"), "unknown: their data cannot be read"),
        (Outcome("submitted", queued="7_0"), "submitted jobs go on in the cluster"),
    ],
)
def test_what_can_be_done_about_a_job(outcome, told):
    text = outcome_table({"a_1": outcome})
    assert text.startswith(f"1 job: 1 {outcome.status}") and told in text
    assert ("rerun=failed" in text) == ("rerun=failed" in told)


@pytest.mark.parametrize("rerun", [None, "failed", "stale", "all"])
def test_the_remedy_of_a_launch_that_begins_all_jobs_anew_destroys_nothing(rerun):
    """Its own command would begin anew what it has trained."""
    killed = Outcome("failed", "killed by SIGKILL", goes_on=True)
    lines = outcome_table(
        {"a_1": Outcome("interrupted"), "b_1": killed, "c_1": Outcome("done")}, rerun
    ).splitlines()
    told = [line for line in lines if "same command" in line]
    assert len(told) == 2 and all(("without rerun=all" in line) == (rerun == "all") for line in told)


def test_data_that_cannot_be_read_are_a_failure():
    assert "unknown" in BAD


def test_an_empty_sweep_and_a_long_cause():
    assert outcome_table({}).startswith("0 jobs: nothing was run")
    assert len(shortened("x" * 500)) == 120 and shortened("a\nb") == "a"


def test_a_dry_run_counts_what_would_be_run():
    """Whatever it is called: with `rerun` a job that is done, without it not even one that failed."""
    sizes = {"parameters": 1234, "MACs": 2e6}
    due = {**sizes, "due": True, "epochs": 2, "steps": 10, "step": 0.5, "seconds": 10.0}
    text = plan_table(
        {
            "a_1": Outcome("done", "begins anew", about=due),
            "b_1": Outcome(
                "interrupted", "goes on after epoch 1", about={**due, "epochs": 1, "seconds": 5.0}
            ),
            "c_1": Outcome("failed", "no memory", about={**sizes, "due": False}),
            "d_1": Outcome("missing", about={**due, "step": None, "seconds": None}),
            "e_1": Outcome("unknown", "x", about={"due": False}),
        }
    )
    lines = text.splitlines()
    assert lines[2].split() == ["a_1", "done", "1,234", "2.00", "2", "10", "0.5", "0:00:10", "begins", "anew"]
    assert lines[4].split() == ["c_1", "failed", "1,234", "2.00", *"----", "no", "memory"]
    assert lines[6].split() == ["e_1", "unknown", *"------", "x"]
    assert lines[7] == (
        "training steps of the 3 to be run, one after the other: about 0:00:15, without 1 of unknown length"
    )
    assert "rerun=failed" in text and "unknown: their data" in text and "interrupted jobs" not in text


def test_a_dry_run_of_which_nothing_is_to_be_run_says_so():
    sizes = {"parameters": 1234, "MACs": 2e6, "due": False}
    text = plan_table({"a_1": Outcome("done", about=sizes), "b_1": Outcome("submitted", "7_0", about=sizes)})
    assert text.splitlines()[4:] == [
        "nothing is to be run",
        "submitted jobs go on in the cluster; the same command waits for them",
    ]


def test_a_cause_that_is_cut_is_told_in_full_once_for_jobs_without_a_log():
    long = "model.depth: there is no place for it. " + "x" * 120 + ". Leave it out"
    outcomes = {name: Outcome("refused", long) for name in ("a", "b", "c")} | {"d": Outcome("failed", long)}
    for table in (plan_table, outcome_table):
        text = table(outcomes)
        assert text.count("Leave it out") == 1 and f"a and 2 more: {long}" in text.splitlines()
    assert in_full({"a": Outcome("refused", "short")}) == []
