"""`debug=lr_find`: curve, suggestion and what the folder holds afterwards."""

import json
import os

import cv2
import numpy as np
import pytest
from running import SMALL, run_task

from dancepose.errors import ConfigError
from dancepose.resume import resume_overrides
from dancepose.tasks.rate_curve import RateCurve, unsmoothed
from dancepose.train import train

TINY = [*SMALL, "model=hrnet", "debug=lr_find", "lr_find.steps=24", "logger=wandb", "scheduler=cosine"]


def test_the_folder_holds_numbers_and_picture_and_nothing_of_a_run(labelme, tmp_path, caplog, capsys):
    run, rates = tmp_path / "run", ["lr_find.low=1e-6", "lr_find.high=1e-1"]
    with caplog.at_level("INFO"):
        assert run_task(train, "train", run, *TINY, *rates, f"data.root={labelme}", drawn=True) is None
    assert sorted(os.listdir(run)) == ["lr_find.json", "pictures"]
    written = capsys.readouterr()
    assert "Finding best initial lr" not in written.out + written.err, "the tuner's own bar"
    assert any(text.startswith("steps  24/24") for text in caplog.messages)
    found = json.loads((run / "lr_find.json").read_text())
    assert len(found["losses"]) == len(found["rates"]) == len(found["smooth"]) <= 24
    assert found["rates"] == sorted(found["rates"]) and found["configured"] == 0.001
    assert 0.9e-6 < found["rates"][0] and found["rates"][-1] < 1.1e-1
    if found["suggestion"] is None:
        assert "no suggestion" in caplog.text
    else:
        assert 1e-6 <= found["suggestion"] <= 1e-1 and found["override"] in caplog.text
    picture = cv2.imread(str(run / "pictures" / "lr_find.png"))
    assert picture.shape[0] > 300 and picture.std() > 5
    with pytest.raises(ConfigError, match="no run directory"):
        resume_overrides([f"resume={run}"])


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["resume=somewhere"], "lr_find.*resume=somewhere"),
        (["trainer=ddp_cpu"], "lr_find.*several devices"),
        (["+trainer.fast_dev_run=true"], "lr_find.*fast_dev_run"),
        (["lr_find.steps=3"], "lr_find.steps=3"),
        (["lr_find.low=1", "lr_find.high=0.1"], "0 < low < high"),
        (["lr_find.low=many"], "lr_find.low='many'"),
        (["+lr_find.stepss=3"], "lr_find.stepss.*steps"),
    ],
    ids=lambda v: v[0],
)
def test_what_it_cannot_be_combined_with_is_refused(overrides, words, labelme, tmp_path):
    with pytest.raises(ConfigError, match=words):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *overrides)
    assert list((tmp_path / "run").iterdir()) == []


def test_the_folder_of_a_run_is_left_alone(labelme, tmp_path):
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds a run"):
        run_task(train, "train", tmp_path, *TINY, f"data.root={labelme}")


def curve(noise=0.0, fall=0.5, steps=100, seed=0) -> RateCurve:
    """A loss that falls fastest at 1e-4, is least about 1e-2 and then rises."""
    rates = np.logspace(-8, 0, steps)
    decades = np.log10(rates)
    losses = 1 - fall / (1 + np.exp(-3 * (decades + 4))) + np.exp(4 * decades)
    losses += noise * np.random.default_rng(seed).normal(size=steps)
    return RateCurve(rates.tolist(), losses.tolist())


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_the_suggestion_is_where_the_loss_falls_fastest(noise):
    """Lightning's own, the slope over the rate itself, lands among the least rates by any noise."""
    found = curve(noise)
    assert found.suggestion == pytest.approx(1e-4, rel=4) and 1e-5 < found.suggestion < found.lowest < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_suggests_nothing(seed):
    assert curve(0.1, fall=0.0, seed=seed).suggestion is None


def test_the_picture_can_be_drawn_without_a_suggestion():
    assert curve(fall=0.0).png().startswith(b"\x89PNG")


def test_the_losses_behind_lightnings_average_come_back():
    """Its callback run on known losses; what is infinite ends the curve."""
    from types import SimpleNamespace

    import torch
    from lightning.pytorch.tuner.lr_finder import _LRCallback

    losses, callback = [3.0, 2.0, 5.0, 1.0], _LRCallback(num_training=9, early_stop_threshold=None)
    for step, loss in enumerate([*losses, float("inf")], start=1):
        trainer = SimpleNamespace(
            fit_loop=SimpleNamespace(batch_idx=step),
            accumulate_grad_batches=1,
            global_step=step,
            should_stop=False,
            strategy=SimpleNamespace(broadcast=lambda value: value),
        )
        callback.on_train_batch_end(trainer, None, {"loss": torch.tensor(loss)}, None, step)
    assert callback.losses[0] == pytest.approx(losses[0] / 1.98), "half of the loss"
    assert unsmoothed(callback.losses, callback.beta) == pytest.approx(losses)
