"""What `make demo` runs: drawn scenes, a training by the clock, table and pictures; told again when done."""

import json
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from running import command, run_task

from dancepose.compare import compare
from dancepose.paths import CACHE, config_dir

SMALLER = [
    *("data.scenes.train=4", "data.scenes.val=0", "data.scenes.test=2", "data.scenes.difficulty=easy"),
    *(
        "model.width=8",
        "model.depth=small",
        "data.size=64",
        "data.batch_size=2",
        "data.workers=0",
        "trainer.accelerator=cpu",
    ),
    *("minutes=0.001", "trainer.precision=32-true"),
]
SMALLER_ACTIONS = [
    *("data.scenes.train=14", "data.scenes.val=0", "data.scenes.test=6", "data.scenes.difficulty=easy"),
    *("data.scenes.frames=1", "model.width=8", "data.size=32", "data.resize=36", "data.batch_size=4"),
    *("minutes=0.001", "trainer.precision=32-true", "trainer.accelerator=cpu", "data.holdout=0"),
]
ATTENTION = "outputs/sweeps/demo_attention"


def test_make_demo_runs_these_experiments():
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    recipe = re.search(r"^demo: setup.*\n((?:\t.*\n)+)", makefile, re.M)
    assert recipe is not None
    assert re.findall(r"dancepose-train experiment=(\w+)", recipe[1]) == [
        "demo",
        "demo_motion",
        "demo_attention",
    ]
    assert f"dancepose-compare 'sweeps=[{ATTENTION}]' against=none rounds=20" in recipe[1]


@pytest.mark.parametrize("name", ["train", "browse"])
def test_drawn_scenes_are_the_default(name):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        data = compose(name, overrides=["name=x"]).data
    assert data.scenes.difficulty == "medium" and data.root is None and data.kind == "dance"


@pytest.mark.slow
def test_the_demo_trains_once(tmp_path):
    at_home = {CACHE: str(tmp_path / "cache")}
    first = command("train", "experiment=demo", *SMALLER, cwd=tmp_path, **at_home)
    assert first.returncode == 0, first.stdout + first.stderr
    run = tmp_path / "outputs" / "demo"
    assert (run / "pictures" / "test_frames.jpg").is_file()
    assert "minutes=0.001: 1 epochs of 2 steps" in first.stdout and "epoch 1/1" in first.stderr + first.stdout
    table = re.findall(r"^(?:mAP|OKS|PCK).*$", first.stdout, re.M)
    checkpoint = (run / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    again = command("train", "experiment=demo", *SMALLER, cwd=tmp_path, **at_home)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "this very training is done" in again.stdout and str(run / "pictures") in again.stdout
    assert re.findall(r"^(?:mAP|OKS|PCK).*$", again.stdout, re.M) == table and len(table) >= 2
    assert (run / "checkpoints" / "last.ckpt").stat().st_mtime_ns == checkpoint
    classifier = command("train", "experiment=demo_motion", *SMALLER_ACTIONS, cwd=tmp_path, **at_home)
    assert classifier.returncode == 0, classifier.stdout + classifier.stderr
    assert "people without keypoints in" in classifier.stdout  # the labelled ones were taken away
    told = json.loads((tmp_path / "outputs" / "demo_motion" / "test.json").read_text())
    assert told["scores"]["samples"] > 0 and list(told["scores"]["classes"])[:2] == ["akimbo", "hold_high"]
    again = command("train", "experiment=demo_motion", *SMALLER_ACTIONS, cwd=tmp_path, **at_home)
    assert again.returncode == 0 and "this very training is done" in again.stdout


@pytest.mark.slow
def test_the_demo_ends_with_a_comparison_that_decides_nothing(tmp_path, server, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # of a worker of tests, whose lines would be cut
    at_home = {CACHE: str(tmp_path / "cache")}
    few = [o for o in SMALLER_ACTIONS if not o.startswith("minutes")]
    two = ["model/attention=none,cbam1", "seed=0", "trainer.max_epochs=1", "callbacks=none"]
    swept = server.run("experiment=demo_attention", *few, *two, cwd=tmp_path, **at_home)
    assert swept.wait() == 0 and "2 jobs: 2 done" in swept.output, swept.output
    run_task(compare, "compare", tmp_path / "comparison", f"sweeps=[{tmp_path / ATTENTION}]", "against=none")
    told = capsys.readouterr().out
    assert "undecided: 1 of 6 seeds" in told and "decides nothing" in told
