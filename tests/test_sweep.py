"""Sweeps as a user runs them: one folder, failures that stop nobody, going on, several processes, kills."""

import itertools
import json
import re
import signal
from pathlib import Path

import pytest
import yaml
from factories import make_actions, make_archive
from forked import Launched
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from kills import KILLED, SMALL, WRITTEN, study
from omegaconf import OmegaConf
from running import run_task
from sweeping import statuses, until

from dancepose.callbacks.own_folder import OwnFolder
from dancepose.paths import config_dir
from dancepose.sweeps.ledger import JobTaken, Sweep
from dancepose.sweeps.names import job_name
from dancepose.tasks.run_directory import RunDirectory
from dancepose.train import train

LITERAL = "-m experiment=motion_paper model/attention=none,cbam0,cbam1,cbam2 seed=0,1,2,3,4,5,6,7"


@pytest.fixture
def folder(tmp_path) -> Path:
    make_archive(tmp_path / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    return tmp_path


def stamps(sweep: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in sweep.glob("*/*") if p.is_file() and ".locks" not in str(p)}


@pytest.mark.slow
def test_a_sweep_that_is_launched_again_runs_what_is_missing(folder, server):
    """One job fails, which stops nobody; what is done or failed stays as it is, until it is asked for."""
    sweep = folder / "outputs" / "sweeps" / "mine"

    def launch(*more: str) -> Launched:
        varied = ("optimizer.lr=1e30,0.001", "sweep=mine", "logger=wandb")
        return server.run("-m", *SMALL, *varied, *more, cwd=folder)

    first = launch()
    assert first.wait() == 1 and statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "done"}, first.output
    assert "2 jobs: 1 done, 1 failed" in first.output and "Traceback" not in first.output
    assert re.search(r"^lr-1e30_\w+ +failed .*not a finite number", first.output, re.M)
    check_wandb(sweep)

    before = stamps(sweep)
    again = launch()
    assert again.wait() == 1 and statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "skipped"}
    assert stamps(sweep) == before and "rerun=failed" in again.output
    assert (sweep / "sweep.txt").read_text().strip() in again.output

    made = make_archive(folder / "a.npz", ["wave", "walk", "other"], blocks=8, length=4)
    make_archive(folder / "a.npz", ["wave", "walk", "other"], blocks=8, length=4, xy=made["xy"] + 1)
    assert launch().wait() == 1 and statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "stale"}
    assert stamps(sweep) == before
    anew = launch("rerun=stale")
    assert statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "done"}, anew.output
    assert len(json.loads((sweep / "jobs.json").read_text())) == 2
    metrics = (next(sweep.glob("lr-0.001_*")) / "metrics.json").read_text()
    wrong = launch("rerun=all", "+logger.csv.wrong=1")  # which only the job itself finds
    assert (
        statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "failed"} and "logger.csv.wrong" in wrong.output
    )
    assert (next(sweep.glob("lr-0.001_*")) / "metrics.json").read_text() == metrics
    assert launch().wait() == 1 and statuses(sweep) == {"lr-1e30": "failed", "lr-0.001": "skipped"}


def check_wandb(sweep: Path) -> None:
    """Group, name, tags and the resolved configuration."""
    from wandb_file import read_run

    (file,) = sweep.glob("lr-0.001_*/wandb/offline-run-*/*.wandb")
    record = read_run(file)
    assert (record.group, record.job_type, record.name) == ("mine", "train", file.parents[2].name)
    assert record.tags == ["experiment=motion_paper", "model=motion", "attention=cbam1", "data=skeletons"]
    assert record.config["data"]["batch_size"] == 8 and record.config["trainer"]["max_epochs"] == 1


@pytest.mark.slow
def test_the_papers_sweep_as_a_user_writes_it(server, tmp_path):
    """32 jobs, made small: one of each attention and the last are run, the others have failed before.

    The launcher is told to stop in the last.
    """
    make_actions(tmp_path / "clips", clips=12)
    small = ["data=action", "data.root=clips", "model.depth=18", "model.width=8", "data.size=32"]
    small += ["data.resize=36", "data.batch_size=4", "data.workers=0", "data.val=0.2", "data.test=0.2"]
    small += ["trainer=cpu", "trainer.max_epochs=1", "callbacks=none", "test=False", "logger=none"]
    sweep = tmp_path / "outputs" / "sweeps" / "mine"
    _, experiment, *varied = LITERAL.split()
    attentions, seeds = (option.partition("=")[2].split(",") for option in varied)
    for attention, seed in [*itertools.product(attentions, seeds[1:])][:-1]:
        job = [experiment, f"model/attention={attention}", f"seed={seed}", *small]
        run = RunDirectory(sweep / job_name(job, ["model/attention", "seed"]))
        run.write_metrics("failed", data="read, so that it began", cause="not this time")
    launched = server.start(*LITERAL.split(), *small, "sweep=mine", cwd=tmp_path)
    last = f"attention-{attentions[-1]}_seed-{seeds[-1]}"
    until(lambda: list(sweep.glob(f"{last}_*/log")), seconds=400, told=lambda: launched.output)
    launched.kill(signal.SIGTERM)
    assert launched.wait() == 143, launched.output
    assert "Launching 32 jobs" in launched.output
    assert "32 jobs: 4 done, 1 interrupted, 27 failed" in launched.output
    found = statuses(sweep)
    done = [f"attention-{attention}_seed-0" for attention in attentions]
    assert [name for name, status in found.items() if status == "done"] == done and found[
        last
    ] == "interrupted"
    jobs = json.loads((sweep / "jobs.json").read_text())
    for attention, one in zip(attentions, done, strict=True):
        (run,) = sweep.glob(f"{one}_*")
        overrides = yaml.safe_load((run / "overrides.yaml").read_text())
        assert [o for o in overrides if o != "logger=none"] == jobs[run.name]
        assert yaml.safe_load((run / "choices.yaml").read_text())["model/attention"] == attention


@pytest.mark.slow
def test_each_job_may_be_several_processes(folder, server):
    """As 2 jobs of 2 processes: one folder, two run directories, two runs of W&B."""
    keys = [o for o in SMALL if o != "trainer=cpu"]
    launched = server.run(
        "-m", *keys, "trainer=ddp_cpu", "seed=0,1", "logger=wandb", "test=false", cwd=folder
    )
    assert launched.wait() == 0, launched.output
    (sweep,) = (folder / "outputs" / "sweeps").iterdir()
    assert [p.name for p in (folder / "outputs").iterdir()] == ["sweeps"]
    assert statuses(sweep) == {"seed-0": "done", "seed-1": "done"}
    runs = [path for path in sweep.iterdir() if path.is_dir() and path.name[0] != "."]
    assert len(runs) == 2 and launched.output.count("batch 8 = 2 devices") == 2
    assert [len(list(run.glob("wandb/offline-run-*"))) for run in runs] == [1, 1]
    assert len({(run / "wandb_id").read_text() for run in runs}) == 2
    assert json.loads((runs[0] / "metrics.json").read_text())["status"] == "done"


@pytest.mark.slow
def test_a_dry_run_tells_what_there_would_be_and_leaves_nothing(folder, server):
    warned = ["scheduler=cosine", "scheduler.warmup=5", "trainer.precision=auto"]
    varied = ["seed=0,1", "optimizer.lr=0.1,0.2", "hydra/launcher=pool", "hydra.launcher.n_jobs=2"]
    dry = server.run("-m", *SMALL, *warned, *varied, "dry_run=true", cwd=folder)
    assert dry.wait() == 0, dry.output
    assert "scheduler.warmup" not in dry.output, "of the length of the trial, not of the training"
    assert dry.output.count("trainer.precision=auto") == 1
    assert not (folder / "outputs").exists()
    assert "4 jobs: 4 missing" in dry.output and "training steps of the 4 to be run" in dry.output
    rows = [line.split() for line in dry.output.splitlines() if re.match(r"seed-\d_lr-\S+ +missing", line)]
    assert len(rows) == 4 and {tuple(row[2:6]) for row in rows} == {("948,483", "0.95", "1", "6")}
    assert [row[0].rpartition("_")[0] for row in rows] == [
        f"seed-{s}_lr-{r}" for s in (0, 1) for r in (0.1, 0.2)
    ]
    times = [float(row[6]) for row in rows]
    assert times[0] > 0 and len(set(times)) == 1, "one network, timed once"
    wrong = server.run("-m", *SMALL, "seed=0,1", "+trainer.max_epoks=3", "dry_run=true", cwd=folder)
    assert (
        wrong.wait() == 1
        and "2 jobs: 2 refused" in wrong.output
        and "Did you mean 'max_epochs'" in wrong.output
    )
    assert not (folder / "outputs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=0,1"], ["-m", "seed=0,1", "hydra/launcher=pool"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_dry_run_that_is_interrupted_says_so_and_leaves_nothing(number, sweep, folder, server):
    (scratch := folder / "scratch").mkdir()
    dry = server.start(*sweep, *SMALL, "dry_run=true", cwd=folder, TMPDIR=str(scratch))
    until(lambda: list(scratch.glob(".minutes_*")), told=lambda: dry.output)
    dry.kill(number)
    assert dry.wait() == 128 + number, dry.output
    assert dry.output.endswith("interrupted\n") == (number == signal.SIGINT)
    assert "Traceback" not in dry.output
    assert not (folder / "outputs").exists() and not list(scratch.iterdir())


def test_a_dry_run_of_one_training(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(OwnFolder, "made", [folder / "run"])  # as by the command
    assert run_task(train, "train", folder / "run", *SMALL, "dry_run=true") is None
    told = capsys.readouterr().out
    assert re.search(r"^run +missing +948,483 +0\.95 +1 +6 ", told, re.M) and not (folder / "run").exists()


def test_a_job_that_another_process_runs_is_not_touched(folder):
    sweep = Sweep(folder / "sweep")
    sweep.add("seed-0_a", [])
    with sweep.holding("seed-0_a"), pytest.raises(JobTaken, match="being run by another process"):
        run_task(train, "train", sweep.path / "seed-0_a", *SMALL)
    assert list((sweep.path / "seed-0_a").iterdir()) == []


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(server, tmp_path):
    """Of launchers and jobs, while checkpoints are written, too; `python -m kills` has more of them."""
    log = study(server, tmp_path, kills=5, seed=1, job=[*KILLED, "trainer.max_epochs=2", "seed=3"])
    assert len(log) == 5 and WRITTEN in log[0], log


@pytest.mark.parametrize(
    ("experiment", "jobs"),
    [("pose_ablation", 8), ("motion_attention", 32), ("motion_table4", 24), ("people_192_ablation", 6)],
)
def test_what_the_shipped_sweeps_consist_of(experiment, jobs):
    """Every job composes and is another network or seed, of the key by which it is named."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        whole = compose("train", overrides=[f"experiment={experiment}"], return_hydra_config=True)
        assert whole.hydra.mode == RunMode.MULTIRUN
        params = [f"{key}={value}" for key, value in whole.hydra.sweeper.params.items()]
        parsed = OverridesParser.create().parse_overrides(params)
        (batch,) = BasicSweeper.split_arguments(parsed, None)
        some = (batch[0], batch[1], batch[-1])
        found = [compose("train", overrides=[f"experiment={experiment}", *job]) for job in some]
    assert len(batch) == jobs and len({job_name(job) for job in batch}) == jobs
    assert len({OmegaConf.to_yaml(config) for config in found}) == 3
