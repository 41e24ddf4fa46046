"""A dry run tells what the same command would do, and leaves nothing."""

import logging
from functools import partial

import pytest
import torch
from left_runs import leave_run
from omegaconf import OmegaConf

from dancepose.callbacks.own_folder import OwnFolder
from dancepose.errors import CheckpointError, ConfigError, DanceposeError, DataError
from dancepose.sweeps.ledger import Sweep
from dancepose.tasks import dry_run, planning, sweep_decision
from dancepose.tasks.config_hash import config_hash
from dancepose.tasks.planning import leaving_nothing, plan_job, planned, planned_alone
from dancepose.tasks.run_directory import RunDirectory

CONFIG = {"seed": 0, "rerun": None, "resume": None, "reuse": False, "minutes": None}
TRAINER = {"max_epochs": 200, "devices": 1, "accelerator": "cpu"}


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunDirectory:
    def measure(config, run, timed=True, done=0, minutes=None):
        given = {} if minutes is None else {"minutes": minutes}
        return {"parameters": 5, **({"epochs": 9 - done, **given} if timed else {})}

    monkeypatch.setattr(planning, "data_hashes", lambda config: ("d1", "s1"))
    monkeypatch.setattr(sweep_decision, "data_hashes", lambda config: ("d1", "s1"))
    monkeypatch.setattr(dry_run, "measure", measure)
    monkeypatch.setattr(
        dry_run, "epochs_done", lambda run: 4 * (run.checkpoints / "last.ckpt").is_file()
    )  # of a file
    made = RunDirectory(tmp_path / "seed-0_x")
    made.path.mkdir()
    return made


leave = partial(leave_run, CONFIG)


@pytest.mark.parametrize(
    ("status", "last", "asked", "epochs", "words"),
    [
        ("running", True, {}, 5, "goes on after epoch 4"),
        ("interrupted", True, {}, 5, "goes on after epoch 4"),
        ("interrupted", False, {}, 9, "begins anew"),
        ("interrupted", True, {"rerun": "all"}, 9, "begins anew"),
        ("done", True, {}, None, ""),
        ("done", True, {"rerun": "failed"}, None, ""),
        ("done", True, {"rerun": "all"}, 9, "begins anew"),
        ("failed", True, {}, None, "no memory"),
        ("failed", True, {"rerun": "stale"}, None, "no memory"),
        ("failed", True, {"rerun": "failed"}, 5, "goes on after epoch 4: no memory"),
        ("failed", False, {"rerun": "failed"}, 9, "begins anew: no memory"),
        ("failed", True, {"rerun": "failed", "seed": 1}, 9, "begins anew: no memory"),
        ("failed", True, {"rerun": "all"}, 9, "begins anew: no memory"),
        ("done", True, {"seed": 1}, None, "seed was 0, is 1"),
        ("done", True, {"seed": 1, "rerun": "stale"}, 9, "begins anew: seed was 0, is 1"),
        ("done", True, {"seed": 1, "rerun": "all"}, 9, "begins anew: seed was 0, is 1"),
    ],
)
def test_what_would_be_run_is_what_a_launcher_decides(status, last, asked, epochs, words, run, tmp_path):
    leave(run, status, last, cause="no memory")
    config = {**CONFIG, **asked}
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    plan = planned(config, run)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert plan.about["due"] == (epochs is not None) and plan.about.get("epochs") == epochs
    assert plan.cause == words and plan.about["parameters"] == 5
    decision = sweep_decision.decide(run, config, Sweep(tmp_path))
    assert (decision.outcome is None) == plan.about["due"]
    stands = {"running": "interrupted", "done": "stale" if "seed" in asked else "done"}
    assert plan.status == stands.get(status, status)


def test_a_job_that_was_never_begun_or_is_being_run(run):
    new, held = planned(CONFIG, run), planned(CONFIG, run, held=True)
    assert (new.status, new.cause, new.about) == ("missing", "", {"parameters": 5, "epochs": 9, "due": True})
    assert (held.status, held.about) == ("running", {"parameters": 5, "due": False})


def test_what_a_killed_launcher_has_left_counts_as_it_would_be_put_back(run):
    leave(run, "done", objective=0.5)
    begun = RunDirectory(run.path, "dead")
    begun.make_way()
    begun.write_metrics("running")
    plan = planned(CONFIG, run)
    assert (plan.status, plan.objective, plan.about["due"]) == ("done", 0.5, False) and run.is_unsettled


@pytest.mark.parametrize(
    "error", [DataError("data.root=/mnt/x: no such folder"), OSError(116, "Stale file handle", "/mnt/x")]
)
def test_a_job_that_is_only_told_may_lack_its_data(error, run, monkeypatch):
    def broken(*given, **named):
        raise error

    for module, name in ((planning, "data_hashes"), (dry_run, "measure")):
        monkeypatch.setattr(module, name, broken)
    leave(run, "done")
    plan = planned({**CONFIG, "rerun": "all"}, run)
    assert (plan.status, plan.about) == ("unknown", {"due": False}) and "/mnt/x" in plan.cause
    leave(run, "failed", last=False, cause="no memory")
    assert planned(CONFIG, run).cause == "no memory"
    with pytest.raises(type(error)):  # which would be trained
        planned({**CONFIG, "rerun": "failed"}, run)


def test_a_training_by_itself_goes_on_where_its_command_says_so(run):
    assert planned_alone(CONFIG, run).about["epochs"] == 9
    leave(run, "interrupted")
    assert planned_alone({**CONFIG, "reuse": True}, run).about["epochs"] == 5
    assert planned_alone({**CONFIG, "resume": str(run.path)}, run).cause == "goes on after epoch 4"
    with pytest.raises(ConfigError, match="holds a run already: go on with it"):
        planned_alone(CONFIG, run)
    with pytest.raises(ConfigError, match="holds another run: seed was 0, is 1"):
        planned_alone({**CONFIG, "reuse": True, "seed": 1}, run)
    run.write_metrics("done", data="d1")
    assert planned_alone({**CONFIG, "reuse": True}, run).about == {"parameters": 5, "due": False}


@pytest.mark.parametrize("asked", ["resume", "reuse"])
def test_a_training_by_the_clock_that_goes_on_keeps_its_length(asked, run):
    config = {**CONFIG, "minutes": 5, "trainer": {**TRAINER, "max_epochs": 12}}
    run.write_config(config, [], {})
    run.write_metrics("running", hash=config_hash(config, "d1"), data="d1")
    again = {**config, "trainer": TRAINER, asked: str(run.path) if asked == "resume" else True}
    plan = planned_alone(again, run)
    assert (plan.status, plan.about.get("minutes")) == ("interrupted", None), plan.cause
    run.write_metrics("done", hash=config_hash(config, "d1"), data="d1")
    assert planned_alone(again, run).status == "done"


def test_a_training_by_the_clock_is_as_long_as_it_will_be(run):
    config = {**CONFIG, "minutes": 5, "trainer": TRAINER}
    assert planned_alone(config, run).about["minutes"] == 5
    for trial in ({"trainer": {**TRAINER, "fast_dev_run": True}}, {"lr_find": {"steps": 9}}):
        assert "minutes" not in planned_alone({**config, **trial}, run).about, "trials know no clock"
    with pytest.raises(ConfigError, match="minutes=5: not on several devices"):
        planned_alone({**config, "trainer": {**TRAINER, "devices": 2, "strategy": "ddp"}}, run)


def test_why_nothing_was_timed_is_told(run, monkeypatch):
    monkeypatch.setattr(dry_run, "measure", lambda *_, **named: {"untimed": "one step an epoch"})
    assert planned(CONFIG, run).cause == "one step an epoch"
    leave(run, "interrupted")
    plan = planned(CONFIG, run)
    assert plan.cause == "goes on after epoch 4: one step an epoch" and plan.about == {"due": True}


def test_a_job_in_the_queue_of_a_cluster_is_waited_for(run):
    waits = planned({**CONFIG, "rerun": "all"}, run, queued="7_0")
    assert (waits.status, waits.cause) == ("submitted", "in Slurm's queue as 7_0")
    assert waits.about == {"parameters": 5, "due": False}
    leave(run, "interrupted")  # it had to make way, and is in the queue again
    assert planned(CONFIG, run, queued="7_0").status == "submitted"
    run.write_metrics("done", hash=config_hash(CONFIG, "d1"), data="d1")
    assert planned(CONFIG, run, queued="7_0").status == "done", "its outcome was not written down"


@pytest.fixture
def job(run, monkeypatch):
    """A job of a dry run: what Hydra knows of it, and its sweep."""
    monkeypatch.setattr(planning, "checked", lambda cfg, hydra, run: dict(cfg))
    monkeypatch.setattr(planning, "check_composed", lambda cfg, hydra: None)
    hydra = {"runtime": {"output_dir": str(run.path)}, "sweep": {"dir": str(run.path.parent)}}
    hydra |= {"callbacks": {"sweep": {"launch": "l"}}, "job": {"num": 0}}
    hydra["launcher"] = {"_target_": "hydra_plugins.dancepose_launchers.SlurmLauncher"}
    return OmegaConf.create(hydra), Sweep(run.path.parent)


def test_a_job_that_cannot_be_read_ends_no_dry_run(job, monkeypatch):
    def broken(*given, **named):
        raise OSError(116, "Stale file handle", "/mnt/x")

    monkeypatch.setattr(dry_run, "measure", broken)
    hydra, sweep = job
    plan_job(OmegaConf.create(CONFIG), hydra)
    (plan,) = sweep.plans("l").values()
    assert plan.status == "refused" and "/mnt/x" in plan.cause


def test_a_job_whose_data_are_gone_is_told_as_by_the_launcher(job, monkeypatch):
    """Nothing of what it holds is touched, so that it is not refused: its data may come back."""

    def gone(*given):
        raise DataError("data.root=/mnt/x: no such folder")

    hydra, sweep = job
    leave(RunDirectory(hydra.runtime.output_dir), "done")
    monkeypatch.setattr(planning, "check_composed", gone)
    monkeypatch.setattr(planning, "data_hashes", gone)
    plan_job(OmegaConf.create(CONFIG), hydra)
    (plan,) = sweep.plans("l").values()
    assert plan.status == "unknown" and "/mnt/x" in plan.cause and not plan.about["due"]


@pytest.mark.parametrize(
    ("listed", "launcher", "status"),
    [
        ({"7_0"}, "SlurmLauncher", "submitted"),
        (None, "SlurmLauncher", "submitted"),  # Slurm does not answer: its launcher waits
        (set(), "SlurmLauncher", "missing"),  # cancelled: it is submitted once more
        ({"7_0"}, "PoolLauncher", "missing"),  # which runs it here
    ],
)
def test_who_is_waited_for_is_what_the_launcher_says(listed, launcher, status, job, monkeypatch):
    hydra, sweep = job
    hydra.launcher._target_ = f"hydra_plugins.dancepose_launchers.{launcher}"
    monkeypatch.setattr(planning, "_queue", lambda: listed)
    sweep.submit({"seed-0_x": "7_0"}, "earlier")
    plan_job(OmegaConf.create(CONFIG), hydra)
    assert sweep.plans("l")["seed-0_x"].status == status
    sweep.submit({"seed-0_x": "dancepose-12ab:0"}, "killed")  # its launcher knew no name yet
    plan_job(OmegaConf.create(CONFIG), hydra)
    assert (sweep.plans("l")["seed-0_x"].status == "submitted") == (launcher == "SlurmLauncher")


@pytest.mark.parametrize(
    "error", [RuntimeError("1x4 and 5x3 cannot be multiplied"), ValueError("too small"), KeyError("image")]
)
def test_a_network_that_cannot_take_its_input_is_refused(error, run, monkeypatch):
    monkeypatch.undo()

    def broken(*given):
        raise error

    monkeypatch.setattr(dry_run, "_measure", broken)
    config = {**CONFIG, "trainer": TRAINER, "optimizer": {"_target_": "SGD"}, "model": str(error)}
    with pytest.raises(DanceposeError, match=f"cannot be trained: {type(error).__name__}: .*{error.args[0]}"):
        dry_run.measure(config, run)


def test_jobs_that_differ_in_length_alone_are_timed_once(run, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(dry_run, "_measured", {})
    asked = []

    def timed(config, *given):
        asked.append(config["trainer"])
        return dry_run.Measured({"parameters": 5}, True, 10, 0.5)

    monkeypatch.setattr(dry_run, "_measure", timed)
    config = {**CONFIG, "optimizer": {"_target_": "SGD"}}
    lengths = ({"max_epochs": 3}, {"max_epochs": 6}, {"max_epochs": -1, "max_steps": 7})
    found = [dry_run.measure({**config, "trainer": {**TRAINER, **length}}, run) for length in lengths]
    assert [about["seconds"] for about in found] == [15.0, 30.0, 3.5] and len(asked) == 1
    dry_run.measure({**config, "trainer": {**TRAINER, "precision": "16-mixed"}}, run)
    assert len(asked) == 2
    by_the_clock = dry_run.measure({**config, "trainer": TRAINER}, run, minutes=1)
    assert (by_the_clock["epochs"], by_the_clock["seconds"]) == (12, 60.0)
    assert dry_run.measure({**config, "trainer": TRAINER}, run, done=4, minutes=1)["epochs"] == 8
    endless = dry_run.measure({**config, "trainer": {**TRAINER, "max_epochs": -1}}, run)
    assert endless["seconds"] is None and endless["untimed"] == "without an end: trainer.max_epochs=-1"


@pytest.fixture
def logged(run):
    """The root logger with a run's log, opened by its first message, as Hydra sets it up."""
    root, handler = logging.getLogger(), logging.FileHandler(run.path / "log", delay=True)
    root.addHandler(handler)
    yield root
    root.removeHandler(handler)
    handler.close()


@pytest.mark.parametrize("error", [ConfigError("x"), KeyboardInterrupt()])
def test_the_folder_is_gone_whatever_happens(error, run, logged, monkeypatch):
    monkeypatch.setattr(OwnFolder, "made", [run.path])  # by this command
    with pytest.raises(type(error)), leaving_nothing(run):
        logged.warning("a word of a dry run")
        raise error
    assert not run.path.exists()


def test_a_run_that_is_there_is_left_as_it_was_without_a_word_in_its_log(run, logged):
    leave(run, "done")
    before = sorted(run.path.rglob("*"))
    with leaving_nothing(run):
        logged.warning("a word of a dry run")
    assert sorted(run.path.rglob("*")) == before


def test_what_is_said_of_every_job_is_said_once(run, caplog, monkeypatch):
    monkeypatch.setattr(planning, "_told", set())
    for warmup in (5, 5, 7):
        with leaving_nothing(run):
            logging.getLogger("dancepose.x").warning("scheduler.warmup=%d of 1 epochs", warmup)
    assert [record.getMessage() for record in caplog.records] == [
        f"scheduler.warmup={n} of 1 epochs" for n in (5, 7)
    ]


def test_a_checkpoint_that_cannot_be_read_is_told(tmp_path):
    run = RunDirectory(tmp_path)
    assert dry_run.epochs_done(run) == 0
    run.checkpoints.mkdir()
    (run.checkpoints / "last.ckpt").write_bytes(b"PK\x03\x04half")
    with pytest.raises(CheckpointError, match="remove it, and the run starts afresh"):
        dry_run.epochs_done(run)
    torch.save({"weights": torch.zeros(1)}, run.checkpoints / "last.ckpt")
    with pytest.raises(CheckpointError, match=r"last\.ckpt is no checkpoint of dancepose-train: remove it"):
        dry_run.epochs_done(run)
