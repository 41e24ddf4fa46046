"""`dancepose-synthesize`, and training on drawn data that are made on first use."""

import json
import re
import shlex
from functools import partial

import numpy as np
import pytest
from running import SMALL, command, run_task

from dancepose import progress
from dancepose.browse import browse
from dancepose.data.images import read_image
from dancepose.data.synthetic import dataset
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.synthesize import synthesize, told, write_sheet
from dancepose.train import train

FEW = ["train=2", "val=1", "test=1", "difficulty=easy"]


def test_the_command_draws_a_set_and_a_sheet_and_leaves_a_whole_one_alone(tmp_path):
    done = command("synthesize", "root=set", *FEW, "workers=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "set holds 2 train, 1 val, 1 test pictures" in done.stdout
    assert read_image(tmp_path / "set" / "sheet.jpg").shape[1] > 900
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "set").iterdir()}
    run_task(synthesize, "synthesize", tmp_path / "run", f"root={tmp_path / 'set'}", *FEW)
    assert len(before) > 10 and before == {p: p.stat().st_mtime_ns for p in (tmp_path / "set").iterdir()}
    sheet = tmp_path / "set" / "sheet.jpg"
    run_task(synthesize, "synthesize", tmp_path / "run", f"root={tmp_path / 'set'}", *FEW, "samples=1")
    assert sheet.stat().st_mtime_ns != before[sheet]


@pytest.mark.parametrize(
    ("by", "frames", "named", "expected"),
    [
        ("image", 1, 3, "3 train, 1 val, 1 test pictures"),
        ("image", 1, 2, "2 train, 1 val, 1 test pictures; 1 in no part, for nobody is to be seen"),
        ("image", 4, 10, "10 train, 1 val, 1 test pictures; 8 in no part, for nobody is to be seen"),
        ("clip", 4, 2, "2 train, 1 val, 1 test clips; 1 in no part, for nobody is to be seen"),
    ],
)
def test_scenes_in_which_nobody_is_to_be_seen_are_told(by, frames, named, expected, tmp_path):
    split = {"train": [str(i) for i in range(named)], "val": ["a"], "test": ["b"], "by": by}
    (tmp_path / "split.json").write_text(json.dumps(split))
    assert told(tmp_path, SceneSet(train=3, val=1, test=1, frames=frames)) == expected


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_shown_while_pictures_are_drawn(terminal, tmp_path, monkeypatch, caplog, capsys):
    """Count of pictures, rate and time left: lines in a log, a bar in a terminal."""
    monkeypatch.setattr(dataset, "track", partial(progress.track, seconds=0.0))
    monkeypatch.setenv(
        "FORCE_COLOR" if terminal else "NO_COLOR", "1"
    )  # FORCE_COLOR: rich takes it for a terminal
    clips = [f"root={tmp_path / 'set'}", *FEW, "frames=2", "workers=1", "samples=0"]
    with caplog.at_level("INFO"):
        run_task(synthesize, "synthesize", tmp_path / "run", *clips)
    if terminal:
        words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)
        assert re.search(r"drawing pictures .*8/8 0:00:00 \d+\.\d/s", words)
        return
    told = [re.fullmatch(r"drawing pictures  (.+)  .+/s  time left .+", line) for line in caplog.messages]
    counts = [found[1] for found in told if found]
    assert counts == ["2/8", "4/8", "6/8", "8/8"]
    assert re.search(r"8/8  \d+\.\d/s  time left 0:00:00", caplog.text)


def test_a_sheet_that_cannot_be_written_is_told_with_what_leaves_it_out(tmp_path):
    (tmp_path / "set").write_bytes(b"a file")
    with pytest.raises(DanceposeError, match=r"sheet\.jpg cannot be written: .*samples=0"):
        write_sheet(tmp_path / "set" / "sheet.jpg", np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    "override, error, words",
    [
        ("difficulty=extreme", ConfigError, "difficulty=extreme"),
        ("train=1.5", ConfigError, "^train=1.5: "),
        ("workers=0", ConfigError, "workers"),
        ("samples=-1", ConfigError, "samples"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_written(override, error, words, tmp_path):
    with pytest.raises(error, match=words):
        run_task(synthesize, "synthesize", tmp_path / "run", f"root={tmp_path / 'set'}", *FEW, override)
    assert not (tmp_path / "set").exists()


def test_a_folder_of_ones_own_pictures_is_not_drawn_into(labelme, tmp_path):
    with pytest.raises(DataError, match="no drawn data set"):
        run_task(synthesize, "synthesize", tmp_path / "run", f"root={labelme}", *FEW)


@pytest.mark.slow
def test_a_training_draws_its_data_on_first_use(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    few = [f"data.scenes.{key}" for key in FEW]
    settings = [*SMALL, "data=dance_synthetic", *few, "trainer.max_epochs=1", "data.resize=long"]
    run_task(train, "train", tmp_path / "run", *settings)
    (folder,) = (tmp_path / "cache" / "scenes").iterdir()
    assert folder.name.startswith("easy_labelme_")
    names = json.loads((tmp_path / "run" / "split.json").read_text())
    assert names["test"] == ["test_00000.jpg"] and len(names["train"]) == 2
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "done"
    with pytest.raises(ConfigError, match=r"data\.scenes\.trian"):
        run_task(train, "train", tmp_path / "other", *settings, "+data.scenes.trian=3")


def test_clips_are_drawn_on_first_use(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dancepose.data.statistics_figure.draw_statistics", lambda *args: b"no figure")
    few = [f"data.scenes.{key}" for key in (*FEW, "train=1", "frames=2")]
    with caplog.at_level("INFO"):
        run_task(browse, "browse", tmp_path / "run", "data=action_synthetic", *few, "count=0")
    (folder,) = (tmp_path / "cache" / "scenes").iterdir()
    assert folder.name.startswith("easy_actions_") and (folder / "actions.json").is_file()
    assert "samples (clips)" in caplog.text and "clip in several parts" not in caplog.text
    counts = json.loads((tmp_path / "run" / "browse.json").read_text())["counts"]
    assert [row["clips"] for row in counts] == [1, 1, 1]


def test_the_command_tells_how_to_train_on_what_it_drew(tmp_path, caplog):
    clips = ["format=actions", "frames=1", "samples=0", "skeleton=openpose18", "workers=1", "train=14"]
    with caplog.at_level("INFO"):
        run_task(synthesize, "synthesize", tmp_path / "run", f"root={tmp_path / 'set'}", *FEW, *clips)
    told = caplog.text.partition("to train on it: dancepose-train ")[2].splitlines()[0].split()
    assert told[0] == "experiment=motion_paper" and "14 train, 1 val, 1 test clips" in caplog.text
    small = ["model.depth=18", "model.width=4", "data.size=32", "data.resize=32", "data.batch_size=2"]
    trial = ["debug=fast_dev_run", "test=false", "trainer=cpu", "data.workers=0", "data.holdout=0"]
    told = [word.replace("'", "") for word in told]
    run_task(train, "train", tmp_path / "trained", *told, *small, *trial)


@pytest.mark.parametrize("format", ["labelme", "coco"])
def test_the_told_command_trains_on_pictures(format, tmp_path, caplog):
    """Of `actions` see above, of `mpii` test_mpii_files."""
    own = [f"root={tmp_path / 'a set'}", f"format={format}", "skeleton=coco17", "samples=0", "workers=1"]
    with caplog.at_level("INFO"):
        run_task(synthesize, "synthesize", tmp_path / "run", *FEW, *own)
    line = caplog.text.partition("to train on it: ")[2].splitlines()[0]
    program, *told = shlex.split(line)
    assert program == "dancepose-train" and "skeleton=coco17" in told
    small = [override for override in SMALL if override != "data=dance"]
    run_task(train, "train", tmp_path / "trained", *small, *told, "debug=fast_dev_run", "test=false")
