"""`debug=profiler`: phases that add up, waiting for data where there is some, a report."""

import gzip
import json
import time
from unittest import mock

import pytest
from running import SMALL, run_task

from dancepose.callbacks.profile_report import PHASES, Profile
from dancepose.callbacks.profiler import StepProfiler
from dancepose.data.dataset import PoseDataset
from dancepose.errors import ConfigError
from dancepose.train import train

STEPS = 7  # 2 warm up, 4 are measured, 1 traced; two epochs of four batches
TINY = [*(o for o in SMALL if "max_epochs" not in o), "model=hrnet", "debug=profiler"]
FEW = [f"trainer.max_steps={STEPS}", "trainer.profiler.warmup=2", "trainer.profiler.traced=1"]


@pytest.mark.slow
def test_the_phases_add_up_and_a_trace_is_written(labelme, tmp_path, caplog):
    """The steps' own clock against the sum of the phases; the report stands in the folder and in the log."""
    begins, original = [], StepProfiler._next_step

    def look(profiler):
        begins.append(time.perf_counter())
        original(profiler)

    with mock.patch.object(StepProfiler, "_next_step", look), caplog.at_level("INFO"):
        run_task(train, "train", tmp_path / "run", *TINY, *FEW, f"data.root={labelme}")
    found = json.loads((tmp_path / "run" / "profile.json").read_text())
    assert found["steps"] == 4 and found["images"] == 2 and list(found["phases"]) == list(PHASES)
    assert sum(p["share"] for p in found["phases"].values()) == pytest.approx(1)
    assert sum(p["ms"] for p in found["phases"].values()) == pytest.approx(found["step_ms"])
    assert found["step_ms"] == pytest.approx(1000 * (begins[6] - begins[2]) / 4, rel=0.05)
    assert all(found["phases"][name]["ms"] > 0 for name in PHASES)
    assert found["phases"]["forward"]["share"] + found["phases"]["backward"]["share"] > 0.3
    assert len(found["operators"]) == 15 and any("convolution" in o["name"] for o in found["operators"])
    text = (tmp_path / "run" / "profile.txt").read_text()
    assert found["verdict"] in caplog.text and text.strip().endswith(found["verdict"])
    with gzip.open(tmp_path / "run" / "profile_trace.json.gz") as file:
        names = {event.get("name") for event in json.load(file)["traceEvents"]}
    assert {"step: forward", "step: backward", "step: training_step"} <= names
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.slow
def test_a_slow_data_set_shows_up_as_waiting_for_data(labelme, tmp_path):
    original = PoseDataset.__getitem__

    def slow(dataset, key):
        time.sleep(0.5)
        return original(dataset, key)

    with mock.patch.object(PoseDataset, "__getitem__", slow):
        run_task(train, "train", tmp_path / "run", *TINY, *FEW, f"data.root={labelme}")
    found = json.loads((tmp_path / "run" / "profile.json").read_text())
    assert found["phases"]["data"]["ms"] == pytest.approx(1000, rel=0.2)
    assert found["verdict"].startswith("waiting for data") and "raise data.workers" in found["verdict"]


@pytest.mark.slow
def test_accumulated_steps_are_counted_by_batches_and_the_training_ends(labelme, tmp_path):
    more = ["trainer.accumulate_grad_batches=2", "data.batch_size=4"]
    run_task(train, "train", tmp_path / "run", *TINY, *FEW, *more, f"data.root={labelme}")
    found = json.loads((tmp_path / "run" / "profile.json").read_text())
    assert found["steps"] == 4 and found["images"] == 2


def test_a_training_within_the_warm_up_says_so(labelme, tmp_path, caplog):
    few = ["trainer.max_epochs=1", f"data.root={labelme}"]
    run_task(train, "train", tmp_path / "run", *TINY, *few)
    assert "nothing was measured" in caplog.text and not (tmp_path / "run" / "profile.txt").exists()


def test_nothing_left_to_measure_is_refused():
    with pytest.raises(ConfigError, match="trainer.max_steps=8"):
        StepProfiler(total=8)


@pytest.mark.parametrize(
    "seconds, workers, words",
    [
        ({"data": 1, "forward": 1}, 0, "50% of a step; the samples are made in the training's own process"),
        ({"data": 1, "forward": 1}, 2, r"raise data.workers \(now 2\)"),
        ({"data": 3, "forward": 40, "backward": 57}, 2, "3% of a step; the network is the bottleneck"),
        ({"data": 3, "move": 57, "forward": 40}, 2, "the greatest share: moving it.*57%"),
    ],
)
def test_the_last_line_says_where_to_begin(seconds, workers, words):
    import re

    profile = Profile(seconds, 1, 2, "cpu", workers)
    assert re.search(words, profile.verdict()) and profile.text().endswith(profile.verdict())
