import re
from pathlib import Path

import pytest
from factories import make_labelme
from running import SMALL, command


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
