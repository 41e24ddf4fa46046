"""Going on with a run: what it keeps, what wins, and what is refused before anything is written."""

import json
import logging
import shutil
from pathlib import Path
from unittest import mock

import pytest
import torch
import yaml
from factories import make_labelme
from running import SMALL, run_task

from dancepose.callbacks.checkpoints import BestCheckpoint, LastCheckpoint
from dancepose.callbacks.ema import RAW
from dancepose.errors import CheckpointError, ConfigError, DanceposeError
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

QUICK = [*SMALL, "model=higherhrnet", "test=false"]


@pytest.fixture(scope="module")
def labelme(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("labelme")
    make_labelme(root, frames=10)
    return root


@pytest.fixture(scope="module")
def settings(labelme) -> list[str]:
    return [*QUICK, f"data.root={labelme}"]


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory) -> Path:
    """A run of two epochs; tests copy it."""
    run = tmp_path_factory.mktemp("runs") / "trained"
    run_task(train, "train", run, *settings)
    return run


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def interrupted_in(epoch, error=KeyboardInterrupt):
    """Make training break off at the start of an epoch."""
    original = PoseTask.on_train_epoch_start

    def hook(task):
        if task.current_epoch == epoch:
            raise error
        original(task)

    return mock.patch.object(PoseTask, "on_train_epoch_start", hook)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_accumulated_steps_count_once_after_a_resume(settings, tmp_path):
    """Batch 4 = 2 steps of 2: the average moves with the optimizer, before and after."""
    accumulated = [*settings, "data.batch_size=4", "trainer.accumulate_grad_batches=2"]
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    run_task(train, "train", whole, *accumulated)
    with interrupted_in(1), pytest.raises(SystemExit):
        run_task(train, "train", halves, *accumulated)
    run_task(train, "train", halves, *accumulated, f"resume={halves}")
    one, other = (torch.load(r / "checkpoints" / "last.ckpt", weights_only=True) for r in (whole, halves))
    assert one["global_step"] == other["global_step"] == 4
    for key in ("state_dict", RAW):
        for name, tensor in one[key].items():
            assert torch.equal(tensor, other[key][name]), f"{key} {name}"


@pytest.mark.parametrize("scheduler", ["multistep", "none"])
def test_a_new_rate_wins_over_the_checkpoints(scheduler, run, settings, caplog):
    seen = []
    original = PoseTask.training_step

    def step(task, batch, batch_idx):
        group = task.optimizers(use_pl_optimizer=False).param_groups[0]
        seen.append((group["lr"], group["weight_decay"], group["betas"][0]))
        return original(task, batch, batch_idx)

    more = ["optimizer.lr=0.5", "optimizer.weight_decay=0.25", "optimizer.betas=[0.8,0.999]"]
    schedule = ["scheduler.milestones=[4]"] if scheduler == "multistep" else ["scheduler=none"]
    with mock.patch.object(PoseTask, "training_step", step), caplog.at_level(logging.INFO):
        run_task(
            train, "train", run, *settings, *more, *schedule, "trainer.max_epochs=3", f"resume={run}",
            "+trainer.limit_train_batches=3",
        )  # fmt: skip
    assert seen == [(0.5, 0.25, 0.8)] * 3
    assert "optimizer.lr=0.5 instead of 0.001" in caplog.text


def test_a_schedule_goes_on_from_the_new_rate(run, settings):
    more = ["optimizer.lr=0.5", "scheduler.milestones=[1]", "trainer.max_epochs=3"]
    run_task(train, "train", run, *settings, *more, f"resume={run}")
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(0.05)
    assert state["lr_schedulers"][0]["base_lrs"] == [0.5]


@pytest.mark.parametrize(
    "override, words",
    [
        ("model.width=16", "model.width=16.*8"),
        ("skeleton=coco17", "skeleton"),
        ("optimizer=sgd", "torch.optim.Adam.*torch.optim.SGD"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_run_stays_as_it_is(override, words, run, settings):
    before = files(run)
    with pytest.raises(ConfigError, match=words):
        run_task(train, "train", run, *settings, override, f"resume={run}")
    assert files(run) == before


def test_a_broken_checkpoint_leaves_the_run_as_it_is(run, settings):
    (run / "checkpoints" / "last.ckpt").write_bytes(b"PK half")
    before = files(run)
    with pytest.raises(CheckpointError, match="last.ckpt"):
        run_task(train, "train", run, *settings, f"resume={run}")
    assert files(run) == before


def test_a_failure_while_loading_leaves_config_and_status(run, settings):
    before = files(run)
    failing = mock.patch.object(PoseTask, "on_load_checkpoint", side_effect=RuntimeError("no"))
    with failing, pytest.raises(RuntimeError):
        run_task(train, "train", run, *settings, "trainer.max_epochs=5", f"resume={run}")
    after = files(run)
    for name in ("config.yaml", "overrides.yaml", "metrics.json"):
        assert after[name] == before[name]


def test_a_fresh_run_is_not_mixed_with_another(run, settings, tmp_path):
    before = files(run)
    with pytest.raises(ConfigError, match="holds a run already.*resume="):
        run_task(train, "train", run, *settings)
    with pytest.raises(ConfigError, match="resume=.*run directory"):
        run_task(train, "train", tmp_path / "other", *settings, f"resume={run}")
    assert files(run) == before


def test_another_process_of_the_run_may_find_its_files(run, settings):
    """The children of DDP start when rank 0 has written already."""
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    with mock.patch.object(rank_zero_only, "rank", 1):
        run_task(train, "train", run, *settings, "trainer.max_epochs=1", "callbacks=none")


def test_a_finished_run_keeps_its_metrics(run, settings, caplog):
    before = json.loads((run / "metrics.json").read_text())
    with caplog.at_level(logging.INFO):
        value = run_task(train, "train", run, *settings, f"resume={run}")
    after = json.loads((run / "metrics.json").read_text())
    assert "already finished at epoch 2 of 2" in caplog.text
    assert after["status"] == "done" and after["metrics"] == before["metrics"]
    assert "val/mAP" in after["metrics"] and value == before["objective"]


@pytest.mark.parametrize("kind", [BestCheckpoint, LastCheckpoint])
def test_a_moved_run_knows_its_best_score(kind, tmp_path):
    old, new = kind(tmp_path / "old"), kind(tmp_path / "new")
    path = str(tmp_path / "old" / "best.ckpt")
    old.best_model_score = old.kth_value = torch.tensor(50.0)
    old.best_model_path = old.kth_best_model_path = path
    old.best_k_models = {path: torch.tensor(50.0)}
    new.load_state_dict(old.state_dict())
    moved = str(tmp_path / "new" / "best.ckpt")
    assert new.best_model_score == new.kth_value == 50
    assert new.best_model_path == new.kth_best_model_path == moved
    assert new.best_k_models == {moved: torch.tensor(50.0)} and new.last_model_path == ""


@pytest.mark.parametrize("error, status", [(KeyboardInterrupt, 130), ("SIGTERM", 143)])
def test_an_interrupted_run_says_so_and_by_its_exit_status(error, status, settings, tmp_path):
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    broken = interrupted_in(1, SIGTERMException if error == "SIGTERM" else error)
    with broken, pytest.raises(SystemExit) as caught:
        run_task(train, "train", tmp_path / "run", *settings)
    assert caught.value.code == status
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "interrupted"


def test_the_first_weights_are_not_needed_again(trained, settings, tmp_path):
    weights = tmp_path / "weights.pth"
    state = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    torch.save({k.removeprefix("network."): v for k, v in state.items()}, weights)
    run, mine = tmp_path / "run", [*settings, f"model.weights={weights}", "callbacks=none"]
    run_task(train, "train", run, *mine, "trainer.max_epochs=1")
    weights.unlink()
    run_task(train, "train", run, *mine, f"resume={run}")
    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["epoch"] == 1 and content["dancepose"]["model"]["weights"] == str(weights)
    assert yaml.safe_load((run / "config.yaml").read_text())["model"]["weights"] == str(weights)


def test_half_written_files_of_a_killed_run_are_removed(run, settings):
    stale = [run / "checkpoints" / ".last.ckpt.a1b2c3_x", run / ".metrics.csv.abcdefgh"]
    kept = [run / ".gitignore", run / "checkpoints" / ".last.ckpt.backup_of_mine"]
    for path in [*stale, *kept]:
        path.write_text("half")
    run_task(train, "train", run, *settings, f"resume={run}")
    assert not any(path.exists() for path in stale) and all(path.exists() for path in kept)


def test_patience_may_be_changed(run, settings):
    from dancepose.callbacks.early_stop import EarlyStop

    old, new = EarlyStop(patience=3), EarlyStop(patience=7)
    old.wait_count = 2
    new.load_state_dict(old.state_dict())
    assert (new.patience, new.wait_count) == (7, 2)


def test_a_full_disk_is_told_and_keeps_the_checkpoint(tmp_path):
    from dancepose.callbacks.checkpoints import WholeFileIO

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    path = tmp_path / "last.ckpt"
    path.write_bytes(b"old")
    full = mock.patch("dancepose.files.os.fdopen", lambda handle, mode: open("/dev/full", mode, buffering=0))
    with full, pytest.raises(DanceposeError, match=r"last.ckpt cannot be written"):
        WholeFileIO().save_checkpoint({"weights": torch.zeros(1000)}, path)
    assert files(tmp_path) == {"last.ckpt": b"old"}


def test_torchs_words_for_a_failed_write_are_ours(tmp_path):
    from dancepose.callbacks.checkpoints import WholeFileIO

    torchs = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")
    with mock.patch("torch.save", side_effect=torchs), pytest.raises(DanceposeError, match="disk is full"):
        WholeFileIO().save_checkpoint({}, tmp_path / "last.ckpt")
    assert files(tmp_path) == {}
