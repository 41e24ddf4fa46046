"""What a launcher decides about a job, and what it makes of its end."""

from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.targets import plain
from dancepose.tasks import sweep_job
from dancepose.tasks.child import TAKEN, Ended, job_environment
from dancepose.tasks.run_directory import RunDirectory, config_hash
from dancepose.tasks.sweep_job import check_sweep, run_sweep_job, settled

register()
CONFIG = {"seed": 0, "rerun": None}


@pytest.fixture
def job(tmp_path, monkeypatch) -> tuple[Sweep, RunDirectory]:
    monkeypatch.setattr(sweep_job, "data_hash", lambda config: "d1")
    sweep = Sweep(tmp_path / "sweep")
    sweep.add("seed-0_x", ["seed=0"])
    run = RunDirectory(sweep.path / "seed-0_x")
    run.path.mkdir()
    return sweep, run


def leave(run: RunDirectory, status: str, last: bool = True, **more) -> None:
    run.write_config(CONFIG, [], {})
    run.write_metrics(status, hash=config_hash(CONFIG, "d1"), data="d1", **more)
    if last:
        run.checkpoints.mkdir()
        (run.checkpoints / "last.ckpt").write_text("")


def decide(job, rerun=None, **more) -> Outcome | None:
    sweep, run = job
    return sweep_job._not_to_be_run(run, {**CONFIG, "rerun": rerun, **more}, sweep)


@pytest.mark.parametrize(
    ("status", "rerun", "kept"),
    [
        ("running", None, True),
        ("interrupted", "failed", True),
        ("interrupted", "all", False),
        ("failed", "failed", True),
        ("failed", "all", False),
        ("done", "all", False),
    ],
)
def test_jobs_that_are_run_again_go_on_or_begin_anew(status, rerun, kept, job):
    leave(job[1], status)
    assert decide(job, rerun) is None
    assert (job[1].checkpoints / "last.ckpt").is_file() == kept
    assert job[1].path.is_dir() and not list(job[0].path.glob(".locks/old_*"))


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
    assert decide(job, rerun) == outcome
    assert (job[1].checkpoints / "last.ckpt").is_file()


@pytest.mark.parametrize("status", ["done", "running"])
def test_a_stale_job_is_told_and_begins_anew_when_asked(status, job):
    leave(job[1], status)
    told = decide(job, seed=1)
    assert told == Outcome("stale", "seed was 0, is 1")
    assert decide(job, "failed", seed=1) == told
    assert decide(job, "stale", seed=1) is None and not job[1].occupied


def test_a_failed_job_without_a_checkpoint_of_use_begins_anew(job):
    leave(job[1], "failed", last=False)
    assert decide(job, "failed") is None and not job[1].occupied
    leave(job[1], "failed")
    assert decide(job, "failed", seed=1) is None and not job[1].occupied


def test_a_job_that_is_being_run_is_left_alone(job):
    with job[0].holding("seed-0_x"):
        import threading

        found = []
        thread = threading.Thread(target=lambda: found.append(decide(job)))
        thread.start()
        thread.join()
    assert found == [Outcome("running")]


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended(0), Outcome("done", objective=0.5)),
        (Ended(TAKEN), Outcome("running")),
        (Ended(143, signal=15), Outcome("interrupted")),
        (Ended(130), Outcome("interrupted")),
        (Ended(-15, 15, "killed by SIGTERM"), Outcome("interrupted")),
        (Ended(-9, cause="killed by SIGKILL"), Outcome("failed", "killed by SIGKILL")),
        (Ended(3), Outcome("failed", "exit status 3")),
    ],
)
def test_what_became_of_a_process(ended, outcome, job):
    leave(job[1], "running", objective=0.5)
    assert sweep_job._outcome(ended, job[1]) == outcome
    assert job[1].read_metrics()["status"] == ("failed" if ended.status == 3 else "running")


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
        (MOTION, "same network"),
    ],
)
def test_what_no_job_of_a_sweep_can_be(overrides, words):
    with pytest.raises(ConfigError, match=words):
        check_sweep(config(*overrides), ["model/attention", "seed"])


def test_sweeps_over_attentions_that_are_there():
    check_sweep(config("experiment=motion_paper"), ["model/attention"])
    check_sweep(config(), ["model.attention.reduction"])
    check_sweep(config(*MOTION), ["seed"])


def test_precision_is_settled_as_a_run_settles_it():
    from dancepose.tasks.devices import settle_precision

    found = config("trainer=cpu", "trainer.precision=auto")
    assert settled(found)["trainer"]["precision"] == settle_precision(
        {"accelerator": "cpu", "precision": "auto"}
    )


def test_a_mistake_in_a_job_is_its_outcome_and_no_error(tmp_path, monkeypatch):
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    run = tmp_path / "sweep" / "job_1"
    report = {"launch": "l", "varying": ["seed"]}
    hydra = {"runtime": {"output_dir": str(run)}, "callbacks": {"sweep": report}, "overrides": {"task": []}}
    hydra["sweep"] = {"dir": str(run.parent), "subdir": "job_1"}
    monkeypatch.setattr(HydraConfig, "get", lambda: OmegaConf.create(hydra))
    assert run_sweep_job(OmegaConf.create(config("minutes=3")), lambda: None) is None
    (outcome,) = Sweep(run.parent).outcomes("l").values()
    assert outcome.status == "failed" and outcome.cause.startswith("minutes=3")
    hydra["runtime"]["output_dir"], hydra["sweep"]["subdir"] = str(run / "deeper"), "job_1/deeper"
    assert run_sweep_job(OmegaConf.create(config()), lambda: None) is None
    assert Sweep(run.parent).outcomes("l")["deeper"].cause.startswith("hydra.sweep.subdir=job_1/deeper")


def test_a_job_is_started_as_one_run_that_may_go_on(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(sweep_job, "run_child", lambda *given: started.append(given) or Ended(0))
    hydra = SimpleNamespace(
        job=SimpleNamespace(config_name="train"),
        runtime=SimpleNamespace(config_sources=[], cwd="/here"),
        overrides=SimpleNamespace(hydra=[], task=["seed=1", "sweep=x", "rerun=all", "output=o"]),
    )
    sweep_job._start(hydra, RunDirectory(tmp_path), job_environment(), "output")
    ((command, environment, cwd, output),) = started
    assert output == tmp_path / "output"
    assert command[5:8] == ["seed=1", "output=o", "reuse=true"] and cwd == "/here"
