import re
from pathlib import Path
from unittest import mock

import pytest
from factories import make_labelme
from lightning.pytorch.callbacks import RichProgressBar
from running import SMALL, command

from dancepose.callbacks import progress
from dancepose.callbacks.progress import Progress


def test_the_bar_has_the_rate_and_the_time_left_of_the_whole_training(monkeypatch):
    """Of two epochs of 5 batches, half a second and twice 4 images each, 3 are done: 7 are left."""
    bar, trainer, module = Progress(), mock.MagicMock(world_size=2, max_epochs=2), mock.MagicMock()
    trainer.num_training_batches, trainer.max_steps, trainer.current_epoch = 5, -1, 0
    monkeypatch.setattr(
        progress, "time", mock.MagicMock(perf_counter=iter([0.0, 0.5, 1.0, 1.5, 1.5]).__next__)
    )
    for name in ("on_train_start", "on_train_batch_end", "get_metrics"):
        monkeypatch.setattr(RichProgressBar, name, lambda *_: {"v_num": 1})
    bar.on_train_start(trainer, module)
    for number in range(3):
        trainer.fit_loop.batch_idx = number
        bar.on_train_batch_end(trainer, module, None, {"index": [0, 1, 2, 3]}, number)
    shown = bar.get_metrics(trainer, module)
    assert shown["v_num"] == 1 and shown["training left"] == "0:00:04"
    assert [value for key, value in shown.items() if key.endswith("/s")] == ["16.0"]


@pytest.mark.slow
def test_a_terminal_shows_rate_and_time_left_of_the_whole_training(tmp_path: Path):
    make_labelme(tmp_path / "data", frames=6, people=1, size=(64, 64))
    more = [f"data.root={tmp_path / 'data'}", "trainer.max_epochs=2", "test=false", "data.val=none"]
    done = command(
        "train",
        *SMALL,
        *more,
        "callbacks.progress.refresh_rate=1",
        cwd=tmp_path,
        FORCE_COLOR="1",  # rich then takes the pipe for a terminal
        COLUMNS="200",
    )
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout + done.stderr)
    assert re.search(r"images/s: \d+\.\d +training left: \d+:\d\d:\d\d", shown)
    assert "training left: 0:00:00" in shown and "Epoch 1" in shown
