"""What a dry run of a sweep makes in a folder is gone when it ends, however it does."""

from pathlib import Path

import pytest

from dancepose.sweeps.ledger import Outcome, Sweep
from dancepose.sweeps.traces import SETTINGS, without_trace

DRY = "a: 1\ndry_run: true\nb: 2\n"


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else "" for p in folder.rglob("*")}


def dry_run(sweep: Sweep, error: BaseException | None = None) -> None:
    """What a dry run and Hydra do there, up to its end or an error."""
    with without_trace(sweep.path), sweep.planning("mine"):
        (sweep.path / SETTINGS).write_text(DRY)
        (sweep.path / "seed-0").mkdir(exist_ok=True)
        (sweep.path / "seed-7").mkdir()
        assert not sweep.is_held("seed-7")
        sweep.plan("seed-7", "mine", Outcome("missing"), 0)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), ValueError()])
@pytest.mark.parametrize("before", ["nothing", "a folder", "a sweep", "a sweep and its settings"])
def test_a_folder_is_left_as_it_was(before, error, tmp_path):
    sweep = Sweep(tmp_path / "outputs" / "sweeps" / "mine")
    if before != "nothing":
        sweep.path.mkdir(parents=True)
    if before.startswith("a sweep"):
        sweep.add("seed-0", ["seed=0"])
        (sweep.path / "seed-0").mkdir()
        (sweep.path / "seed-0" / "metrics.json").write_text("{}")
    if "settings" in before:
        (sweep.path / SETTINGS).write_text("dry_run: false\n")
    was = files(tmp_path)
    try:
        dry_run(sweep, error)
    except BaseException as raised:
        assert raised is error
    assert files(tmp_path) == was


def test_what_another_launcher_has_made_meanwhile_stays(tmp_path):
    sweep = Sweep(tmp_path / "sweep")
    with without_trace(sweep.path):
        sweep.add("seed-0", ["seed=0"])
        (sweep.path / "seed-0").mkdir()
        (sweep.path / SETTINGS).write_text("\ndry_run: false\n")
    assert {path.name for path in sweep.path.iterdir()} == {"seed-0", "jobs.json", ".locks", SETTINGS}
