import signal
from contextlib import nullcontext

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dancepose import entry
from dancepose.callbacks import sweep_report
from dancepose.callbacks.sweep_report import SweepReport, job_count, tell_unfinished
from dancepose.errors import ConfigError, DataError
from dancepose.resolvers import register
from dancepose.sweeps.ledger import Outcome, Sweep


def settings(folder, **more) -> object:
    hydra = {"sweep": {"dir": str(folder)}, "runtime": {"choices": {}}}
    hydra |= {"sweeper": {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"}}
    hydra |= {"overrides": {"task": ["seed=0,1", "optimizer.lr=range(1,3)", "a=[1,2]"]}}
    return OmegaConf.create({"hydra": hydra, "objective": "val/mAP", **more})


def begun(folder, *outcomes: Outcome) -> tuple[SweepReport, object]:
    config = settings(folder)
    report = SweepReport("mine", ["seed"])
    report.on_multirun_start(config)
    for number, outcome in enumerate(outcomes):
        Sweep(folder).record(f"seed-{number}", "mine", outcome)
    Sweep(folder).record("of another", "theirs", Outcome("failed"))
    return report, config


def test_the_table_of_this_launch_is_printed_and_written(tmp_path, capsys):
    report, config = begun(tmp_path, Outcome("done"), Outcome("skipped"))
    report.on_multirun_end(config)
    assert "2 jobs: 1 done, 1 skipped" in capsys.readouterr().out
    assert (tmp_path / "sweep.txt").read_text().startswith("2 jobs: ")
    tell_unfinished()
    assert capsys.readouterr().out == "", "told once"


def test_a_folder_that_cannot_be_named_is_refused_in_one_line(tmp_path, capsys):
    """Hydra makes a warning of what a callback raises."""
    register()
    config = settings(tmp_path, sweep="../x")
    config.hydra.sweep.dir = "${sweep_name:${sweep},{},[],null}"
    with pytest.raises(SystemExit, match="^1$"):
        SweepReport("mine", []).on_multirun_start(config)
    assert capsys.readouterr().err.startswith("error: sweep=../x: a folder's name is needed")


@pytest.mark.parametrize("file", ["jobs.json", "sweep.json"])
def test_a_broken_file_of_the_sweep_is_told_before_any_job_looks_at_it(file, tmp_path, capsys):
    (tmp_path / file).write_text('{"seed-0_x": {"sta')
    with pytest.raises(SystemExit, match="^1$"):
        SweepReport("mine", []).on_multirun_start(settings(tmp_path))
    told = capsys.readouterr().err
    assert told.startswith(f"error: {tmp_path / file}") and "remove it" in told


def test_what_was_not_begun_is_counted_where_a_sweep_is_broken_off(tmp_path, capsys):
    begun(tmp_path, Outcome("done"), Outcome("interrupted"))
    tell_unfinished()
    assert "not begun: 2 of 4 jobs; they are run by the same command" in capsys.readouterr().out
    report = SweepReport("mine", ["seed"])
    report.on_multirun_start(settings(tmp_path / "anew", rerun="all"))
    Sweep(tmp_path / "anew").record("seed-0", "mine", Outcome("interrupted"))
    tell_unfinished()
    told = capsys.readouterr().out
    assert "go on with the same command without rerun=all" in told and "which begins all jobs anew" in told
    report, config = begun(tmp_path / "other", Outcome("done"))
    report.on_multirun_end(config)
    assert "not begun" not in capsys.readouterr().out
    config.hydra.sweeper.params = {
        "seed": "0,1,2",
        "data.size": "64,96",
    }  # a shipped sweep's; the command's win
    assert job_count(config.hydra) == 8
    config.hydra.overrides.task = ["model/attention=glob(cbam*)"]
    assert job_count(config.hydra) is None
    config.hydra.sweeper = {"_target_": "hydra_plugins.OptunaSweeper", "params": {"seed": "0,1"}}
    assert job_count(config.hydra) is None


@pytest.mark.parametrize("status", ["failed", "interrupted", "stale", "unknown"])
def test_a_failure_is_the_exit_status(status, tmp_path):
    report, config = begun(tmp_path, Outcome("done"), Outcome(status))
    with pytest.raises(SystemExit) as caught:
        report.on_multirun_end(config)
    assert caught.value.code == 1


@pytest.mark.parametrize(
    ("statuses", "fails"),
    [
        (("missing", "stale", "failed", "interrupted"), False),  # as they stand, before anything is run
        (("missing", "refused"), True),
        (("unknown",), True),
    ],
)
def test_a_dry_run_fails_where_a_job_cannot_be_run(statuses, fails, tmp_path, capsys):
    config, report = settings(tmp_path / "sweep", dry_run=True), SweepReport("mine", ["seed"])
    report.on_multirun_start(config)
    for number, status in enumerate(statuses):
        Sweep(tmp_path / "sweep").plan(f"seed-{number}", "mine", Outcome(status, "no such key"), number)
    with pytest.raises(SystemExit, match="^1$") if fails else nullcontext():
        report.on_multirun_end(config)
    told = capsys.readouterr().out
    assert ("no job of this kind can be run" in told) == ("refused" in statuses) and "no such key" in told
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_folder_that_holds_nothing_yet_leaves_it_so(tmp_path):
    """Nor are locks left that only its own cleaning has made."""
    config, report = settings(tmp_path, dry_run=True), SweepReport("mine", ["seed"])
    report.on_multirun_start(config)
    report.on_multirun_end(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), DataError("sweep.json is cut off")]
)
def test_a_table_that_cannot_be_written_is_no_success(error, tmp_path, capsys, monkeypatch):
    """Hydra makes a warning of what a callback raises, and the command would end with 0."""

    def refuse(*given):
        raise error

    monkeypatch.setattr(Sweep, "write_table", refuse)
    report, config = begun(tmp_path, Outcome("failed", "no memory"))
    with pytest.raises(SystemExit, match="^1$"):
        report.on_multirun_end(config)
    told = capsys.readouterr()
    assert "1 job: 1 failed" in told.out and told.err.startswith("error: ") and str(error) in told.err


def test_a_dry_run_whose_plans_are_broken_leaves_nothing_either(tmp_path, capsys):
    config, report = settings(tmp_path / "sweep", dry_run=True), SweepReport("mine", ["seed"])
    report.on_multirun_start(config)
    (tmp_path / "sweep" / ".plans_mine.json").write_text("{half")
    with pytest.raises(SystemExit, match="^1$"):
        report.on_multirun_end(config)
    assert ".plans_mine.json" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_a_dry_run_that_is_given_sigterm_ends_and_leaves_nothing(tmp_path):
    """Whatever it is at: the signal alone would end the process where it is."""
    before = signal.getsignal(signal.SIGTERM)
    SweepReport("mine", ["seed"]).on_multirun_start(settings(tmp_path / "sweep", dry_run=True))
    assert list(tmp_path.iterdir())
    with pytest.raises(SystemExit, match="^143$"):
        signal.raise_signal(signal.SIGTERM)
    tell_unfinished()
    assert list(tmp_path.iterdir()) == [] and signal.getsignal(signal.SIGTERM) is before


def test_a_search_has_no_dry_run(tmp_path, capsys):
    """Each of its jobs depends on the results of those before."""
    config = settings(tmp_path / "sweep", dry_run=True)
    config.hydra.sweeper = {"_target_": "hydra_plugins.OptunaSweeper"}
    config.hydra.runtime.choices = {"hydra/sweeper": "optuna"}
    with pytest.raises(SystemExit, match="^1$"):
        SweepReport("mine", ["seed"]).on_multirun_start(config)
    told = capsys.readouterr().err
    assert told.startswith("error: dry_run=true: not with hydra/sweeper=optuna") and told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_that_is_broken_off_is_told(tmp_path, capsys):
    begun(tmp_path, Outcome("interrupted"))
    tell_unfinished()
    assert "1 job: 1 interrupted" in capsys.readouterr().out
    assert sweep_report.SweepReport.unfinished is None


def test_an_objective_of_the_test_part_ends_the_sweep_before_it_begins(tmp_path, capsys):
    config = OmegaConf.create(
        {"hydra": {"sweep": {"dir": str(tmp_path)}}, "objective": "test/mAP"},
    )
    with pytest.raises(SystemExit) as caught:
        SweepReport("mine", []).on_multirun_start(config)
    assert caught.value.code == 1
    assert "error: objective=test/mAP: nothing may be chosen by the test part" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ConfigError("no such partition"), KeyboardInterrupt(), SystemExit(143)])
def test_whatever_breaks_a_sweep_off_it_is_told(error, tmp_path, capsys):
    begun(tmp_path, Outcome("failed", "sbatch: invalid partition"))
    with pytest.raises(type(error)), entry._unfinished_told():
        raise error
    assert "1 job: 1 failed" in capsys.readouterr().out and (tmp_path / "sweep.txt").is_file()


@pytest.mark.parametrize(
    "error", [ConfigCompositionException("Could not override 'x'"), OmegaConfBaseException()]
)
@pytest.mark.parametrize("outcomes", [(), (Outcome("done"),)])
def test_of_a_wrong_command_line_the_error_alone_is_told(error, outcomes, tmp_path, capsys):
    """The same command would be refused again; of jobs that a sweeper has run before, the table is told."""
    begun(tmp_path, *outcomes)
    capsys.readouterr()
    with pytest.raises(type(error)), entry._unfinished_told():
        raise error
    told = capsys.readouterr().out
    assert "not begun" not in told and bool(told) == bool(outcomes)
    assert sweep_report.SweepReport.unfinished is None
