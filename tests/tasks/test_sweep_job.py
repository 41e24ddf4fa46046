"""What a launcher decides about a job, and what it makes of its end."""

import errno
import os
import threading
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from left_runs import leave_run
from omegaconf import OmegaConf

from dancepose.errors import ConfigError, DataError
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.sweeps import ledger
from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.targets import plain
from dancepose.tasks import sweep_decision, sweep_job
from dancepose.tasks.child import TAKEN, Ended, job_environment, note_failure
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sweep_checks import check_sweep, settled
from dancepose.tasks.sweep_decision import Decision
from dancepose.tasks.sweep_job import SweepJob, outcome_of, run_sweep_job

register()
CONFIG = {"seed": 0, "rerun": None}


@pytest.fixture
def job(tmp_path, monkeypatch) -> tuple[Sweep, RunDirectory]:
    monkeypatch.setattr(sweep_decision, "data_hashes", lambda config: ("d1", "s1"))
    sweep = Sweep(tmp_path / "sweep")
    sweep.add("seed-0_x", ["seed=0"])
    run = RunDirectory(sweep.path / "seed-0_x")
    run.path.mkdir()
    return sweep, run


leave = partial(leave_run, CONFIG)


def decide(job, rerun=None, **more) -> Decision:
    """Decide; nothing is changed by it."""
    sweep, run = job
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    found = sweep_decision.decide(run, {**CONFIG, "rerun": rerun, **more}, sweep)
    assert {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()} == before
    return found


ON, ANEW = Decision(), Decision(anew=True)


@pytest.mark.parametrize(
    ("status", "rerun", "decision"),
    [
        ("running", None, ON),
        ("interrupted", "failed", ON),
        ("interrupted", "all", ANEW),
        ("failed", "failed", ON),
        ("failed", "all", ANEW),
        ("done", "all", ANEW),
    ],
)
def test_jobs_that_are_run_again_go_on_or_begin_anew(status, rerun, decision, job):
    leave(job[1], status)
    assert decide(job, rerun) == decision


@pytest.mark.parametrize(
    ("status", "rerun", "outcome"),
    [
        ("done", None, Outcome("skipped", objective=0.5)),
        ("done", "failed", Outcome("skipped", objective=0.5)),
        ("done", "stale", Outcome("skipped", objective=0.5)),
        ("failed", None, Outcome("failed", "no memory")),
        ("failed", "stale", Outcome("failed", "no memory")),
    ],
)
def test_jobs_that_are_only_told(status, rerun, outcome, job):
    leave(job[1], status, objective=0.5, cause="no memory")
    assert decide(job, rerun) == Decision(outcome)


@pytest.mark.parametrize("status", ["done", "running"])
def test_a_stale_job_is_told_and_begins_anew_when_asked(status, job):
    leave(job[1], status)
    told = Decision(Outcome("stale", "seed was 0, is 1"))
    assert decide(job, seed=1) == told and decide(job, "failed", seed=1) == told
    assert decide(job, "stale", seed=1) == ANEW


@pytest.mark.parametrize("status", ["done", "interrupted"])
def test_a_job_of_another_split_is_stale(status, job):
    """Gone on with it would be refused again and again."""
    leave(job[1], status, split="s0")
    told = Decision(Outcome("stale", "the split was s0, is s1"))
    assert decide(job) == told == decide(job, "failed") and decide(job, "stale") == ANEW


@pytest.mark.parametrize("rerun", [None, "failed", "stale", "all"])
def test_a_job_whose_data_cannot_be_read_is_left_as_it_is(rerun, job, monkeypatch):
    def broken(config):
        raise DataError("data.root=/mnt/x: no such folder")

    monkeypatch.setattr(sweep_decision, "data_hashes", broken)
    leave(job[1], "done")
    found = decide(job, rerun).outcome
    assert found == Outcome("unknown", "the data cannot be read: data.root=/mnt/x: no such folder")


def test_a_failed_job_without_a_checkpoint_of_use_begins_anew(job):
    leave(job[1], "failed", last=False)
    assert decide(job, "failed") == ANEW
    leave(job[1], "failed")
    assert decide(job, "failed") == ON and decide(job, "failed", seed=1) == ANEW


@pytest.mark.parametrize("rerun", [None, "failed", "stale", "all"])
def test_a_job_that_could_not_begin_is_run_again_by_the_same_command(rerun, job):
    """Its data were not there, say: what hindered it may be mended, and nothing of it can be lost."""
    assert note_failure(DataError("data.root=/mnt/x: no such folder"), str(job[1].path)) == 1
    told = Outcome("failed", "data.root=/mnt/x: no such folder", goes_on=True)
    assert outcome_of(Ended(1), job[1], job[0]) == told
    assert decide(job, rerun) == ANEW


def elsewhere(do):
    """Do something in another thread, which is another holder of locks."""
    found = []
    thread = threading.Thread(target=lambda: found.append(do()))
    thread.start()
    thread.join()
    return found[0]


def test_a_job_that_is_being_run_is_left_alone(job):
    with job[0].holding("seed-0_x"):
        assert elsewhere(lambda: decide(job)) == Decision(Outcome("running"))


def test_a_job_that_another_launcher_has_just_begun_is_running(job, monkeypatch, hydra_of):
    """It was free when this one looked, and is not when what a killed launcher has left is to be put back."""
    sweep, run = job
    leave(run, "done")
    RunDirectory(run.path, "dead").make_way()
    monkeypatch.setattr(Sweep, "is_held", lambda self, name: False)
    monkeypatch.setattr(ledger, "PATIENCE", 0.1)
    cfg = OmegaConf.create(config("seed=1"))
    with sweep.holding("seed-0_x", patience=0):
        made = elsewhere(lambda: SweepJob.of(cfg, hydra_of(run.path)))
    assert made.outcome == Outcome("running")


def test_what_a_killed_launcher_has_left_comes_back_first(job):
    leave(job[1], "done", objective=0.5)
    RunDirectory(job[1].path, "dead").make_way()
    assert not job[1].occupied
    assert sweep_decision.decide(job[1], CONFIG, job[0]) == Decision(Outcome("skipped", objective=0.5))


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended(0), Outcome("done", objective=0.5)),
        (Ended(TAKEN), Outcome("running")),
        (Ended(143, signal=15), Outcome("interrupted")),
        (Ended(130), Outcome("interrupted")),
        (Ended(-15, 15, "killed by SIGTERM"), Outcome("interrupted")),
        (Ended(-9, cause="killed by SIGKILL"), Outcome("failed", "killed by SIGKILL", goes_on=True)),
        (Ended(3), Outcome("failed", "exit status 3")),
    ],
)
def test_what_became_of_a_process(ended, outcome, job):
    leave(job[1], "running", objective=0.5)
    assert outcome_of(ended, job[1], job[0]) == outcome
    assert job[1].read_metrics()["status"] == ("failed" if ended.status == 3 else "running")


@pytest.mark.parametrize(
    ("ended", "status", "cause"),
    [
        (Ended(1), "failed", "no memory"),
        (Ended(143, 15), "interrupted", ""),
        (Ended(-9, cause="killed by SIGKILL"), "failed", "killed by SIGKILL"),
    ],
)
def test_a_job_that_ends_before_its_first_epoch_leaves_what_was_there(ended, status, cause, job):
    leave(job[1], "done", objective=0.5)
    anew = RunDirectory(job[1].path, "l")
    anew.make_way()
    anew.write_metrics("failed" if ended.status == 1 else "running", cause="no memory")
    found = outcome_of(ended, anew, job[0])
    assert (found.status, found.cause, found.goes_on) == (status, cause, status == "failed")
    assert job[1].read_metrics()["status"] == "done" and (job[1].checkpoints / "last.ckpt").is_file()


def test_a_job_that_never_began_tells_why_and_leaves_what_was_there(job):
    leave(job[1], "done", objective=0.5)
    anew = RunDirectory(job[1].path, "l")
    assert note_failure(ConfigError("unknown key a.b"), str(anew.path), "l") == 1
    assert outcome_of(Ended(1), anew, job[0]) == Outcome("failed", "unknown key a.b", goes_on=True)
    assert job[1].read_metrics()["status"] == "done"
    job[1].note_failure("no memory")  # of one that had failed, the cause of now counts
    outcome_of(Ended(3), anew, job[0])
    assert job[1].read_metrics()["cause"] == "exit status 3"


def test_a_job_that_gets_no_devices_leaves_what_was_there(job, hydra_of):
    """And says how it stands."""
    leave(job[1], "done", objective=0.5)
    cfg = OmegaConf.create(config("rerun=all"))

    def lend(trainer, workers):
        raise ConfigError("the pool has 0 GPU(s)")

    made = SweepJob.of(cfg, hydra_of(job[1].path))
    assert made.outcome is None and made.run.makes_way
    assert made.finish(lend) is None
    assert job[0].outcomes("l")["seed-0_x"] == Outcome("failed", "the pool has 0 GPU(s)", goes_on=True)
    assert job[1].read_metrics()["status"] == "done" and (job[1].checkpoints / "last.ckpt").is_file()


def config(*overrides: str) -> dict:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return plain(compose("train", overrides=["name=x", *overrides]))


MOTION = ["experiment=motion_paper", "model.branches=[keypoints]"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["rerun=fail"], r"rerun=fail: give one of failed, stale, all\. Did you mean 'failed'"),
        (["objective=test/mAP"], "objective=test/mAP: nothing may be chosen by the test part"),
        (["resume=x"], r"resume=x: not in a multirun"),
        (["minutes=3"], r"minutes=3: not in a multirun"),
        (["lr_find.steps=5"], r"lr_find: not in a multirun"),
    ],
)
def test_what_no_job_of_a_sweep_can_be(overrides, words):
    with pytest.raises(ConfigError, match=words):
        check_sweep(config(*overrides), ["model/attention", "seed"])


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (MOTION, "model/attention"),
        (MOTION, "model.attention.reduction"),
        (MOTION, "model.width"),
        (["experiment=motion_paper", "model.branches=[image]"], "model.features"),
        (["experiment=motion_paper", "model=motion_str"], "model/attention"),
    ],
)
def test_a_sweep_over_what_the_network_has_no_place_for(overrides, key):
    with pytest.raises(ConfigError, match=f"{key}: model.network=motion.* the same network") as caught:
        check_sweep(config(*overrides), ["seed", key])
    assert ("branches" in str(caught.value)) == ("model=motion_str" not in overrides)


def test_sweeps_over_what_has_its_place():
    check_sweep(config("experiment=motion_paper"), ["model/attention", "model.width", "model.features"])
    check_sweep(config("experiment=motion_1d"), ["model/attention", "model.width"])
    check_sweep(config(), ["model.attention.reduction"])
    check_sweep(config(*MOTION), ["seed", "model.features", "model.branches", "model.dropout"])


def test_precision_is_settled_as_a_run_settles_it():
    from dancepose.inference.devices import settle_precision

    found = config("trainer=cpu", "trainer.precision=auto")
    assert settled(found)["trainer"]["precision"] == settle_precision(
        {"accelerator": "cpu", "precision": "auto"}
    )


@pytest.fixture
def hydra_of():
    """Return what Hydra knows of a job with this folder."""

    def make(run):
        found = {"runtime": {"output_dir": str(run)}, "overrides": {"task": ["seed=1"]}}
        found["callbacks"] = {"sweep": {"launch": "l", "varying": ["seed"]}}
        return OmegaConf.create({**found, "sweep": {"dir": str(run.parent), "subdir": run.name}})

    return make


def test_a_mistake_in_a_job_is_its_outcome_and_no_error(tmp_path, monkeypatch, hydra_of):
    run = tmp_path / "sweep" / "job_1"
    hydra = hydra_of(run)
    monkeypatch.setattr(HydraConfig, "get", lambda: hydra)
    assert run_sweep_job(OmegaConf.create(config("minutes=3")), lambda: None) is None
    (outcome,) = Sweep(run.parent).outcomes("l").values()
    assert outcome.status == "failed" and outcome.cause.startswith("minutes=3") and outcome.goes_on
    hydra.runtime.output_dir, hydra.sweep.subdir = str(run / "deeper"), "job_1/deeper"
    assert run_sweep_job(OmegaConf.create(config()), lambda: None) is None
    assert Sweep(run.parent).outcomes("l")["deeper"].cause.startswith("hydra.sweep.subdir=job_1/deeper")


@pytest.mark.parametrize("anew", [False, True])
def test_a_job_is_started_as_one_run_that_goes_on_or_begins_anew(anew, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(sweep_job, "run_child", lambda *given: started.append(given) or Ended(0))
    hydra = SimpleNamespace(
        job=SimpleNamespace(config_name="train"),
        runtime=SimpleNamespace(config_sources=[], cwd="/here"),
        overrides=SimpleNamespace(hydra=[], task=["seed=1", "sweep=x", "rerun=all", "output=o"]),
    )
    run = RunDirectory(tmp_path, "l" if anew else None)
    job = SweepJob(hydra, run, Sweep(tmp_path), "l", {}, job_environment())
    sweep_job._start(job, job.environment, "output")
    ((command, environment, cwd, output),) = started
    assert output == tmp_path / "output" and cwd == "/here"
    kept = ["seed=1", "output=o", "reuse=true", *(["anew='l'"] if anew else [])]
    assert command[5 : 5 + len(kept) + 1] == [*kept, "hydra.mode=RUN"]


@pytest.mark.parametrize(("tasks", "raised"), [("1", False), ("2", True)])
def test_a_process_of_slurm_that_fails_ends_its_peers(tasks, raised, job, monkeypatch, hydra_of):
    """Else they would wait for it: what goes wrong before the processes have met, only one of them sees."""
    for key, value in (("SUBMITIT_EXECUTOR", "slurm"), ("SLURM_PROCID", "0"), ("SLURM_NTASKS", tasks)):
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(HydraConfig, "get", lambda: hydra_of(job[1].path))

    def train():
        raise DataError("disk full")

    with pytest.raises(SystemExit) if raised else nullcontext():
        assert run_sweep_job(OmegaConf.create(config("seed=1")), train) is None
    assert job[0].outcomes("l")["seed-0_x"].cause == "disk full"


@pytest.mark.parametrize("where", ["lend", "start"])
def test_what_the_system_refuses_a_job_fails_that_job_alone(where, job, hydra_of):
    """A lease's file that cannot be opened, or no memory for one more process: later it may go."""
    made = SweepJob.of(OmegaConf.create(config()), hydra_of(job[1].path))
    made.outcome = None

    def refuse(*given):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    assert made.finish(*([refuse] if where == "lend" else [lambda *given: nullcontext({}), refuse])) is None
    found = job[0].outcomes("l")["seed-0_x"]
    assert (found.status, found.goes_on) == ("failed", True) and "temporarily unavailable" in found.cause


def test_what_cannot_be_looked_at_fails_that_job_alone(job, hydra_of, monkeypatch):
    def refuse(*given):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "seed-0_x.lock")

    monkeypatch.setattr(sweep_job, "decide", refuse)
    outcome = SweepJob.of(OmegaConf.create(config()), hydra_of(job[1].path)).outcome
    assert outcome.status == "failed" and outcome.goes_on and "Permission denied: 'seed-0_x" in outcome.cause
