"""The whole stream, files to mAP, by the entry points' own functions."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import mpii_files
import numpy as np
import pytest
import torch
import yaml
from factories import make_actions, make_coco, make_labelme
from hydra import compose, initialize_config_dir
from running import SMALL, command, eager_compile, fresh_command, run_task

from dancepose.build import load_checkpoint
from dancepose.callbacks.ema import RAW
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.metrics.pose_images import PoseImages
from dancepose.paths import config_dir
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

EXPERIMENTS = sorted(p.stem for p in (config_dir() / "experiment").glob("*.yaml"))
DEBUG = sorted(p.stem for p in (config_dir() / "debug").glob("*.yaml"))
TINY = [*SMALL, "model=higherhrnet"]


@pytest.fixture(scope="module")
def finished(labelme, tmp_path_factory) -> Path:
    """A run of four epochs with validation and test, EMA, dropout and two workers."""
    run = tmp_path_factory.mktemp("runs") / "finished"
    run_task(train, "train", run, *STRICT, f"data.root={labelme}", "logger=wandb", drawn=True)
    return run


STRICT = [
    *TINY,
    "trainer.max_epochs=4",
    "data.workers=2",
    "model.dropout=0.2",
    "callbacks.ema.decay=0.9",
    "trainer.precision=32-true",
]


def test_a_run_directory_holds_what_the_readme_says(finished):
    names = {p.name for p in finished.iterdir()}
    assert {
        "config.yaml",
        "overrides.yaml",
        "choices.yaml",
        "checkpoints",
        "metrics.json",
        "metrics.csv",
        "split.json",
        "predictions.json",
        "per_image.npz",
        "test.json",
        "test_curves.json",
        "wandb_id",
        "wandb",
        "pictures",
    } <= names
    assert {p.name for p in (finished / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    pictures = {p.name for p in (finished / "pictures").iterdir()}
    assert pictures == {"val.jpg", "val_curves.png", "test_curves.png", "test_frames.jpg"}
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["status"] == "done" and {"val/mAP", "test/mAP", "train/loss"} <= metrics["metrics"].keys()
    assert len(metrics["hash"]) == 16 and metrics["split"]
    with (finished / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(r["val/mAP"]) >= 0 for r in rows if r["val/mAP"]] == [True] * 4
    assert any(r["lr-Adam"] for r in rows)


def test_a_checkpoint_holds_no_code_and_makes_the_network_again(finished):
    path = finished / "checkpoints" / "last.ckpt"
    assert torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) == []
    content = torch.load(path, weights_only=True)
    assert not all(torch.equal(v, content[RAW][k]) for k, v in content["state_dict"].items()), (
        "EMA differs from raw"
    )
    model = load_checkpoint(path)
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, content["state_dict"][f"network.{name}"])


def test_a_wandb_run_holds_scalars_table_and_pictures(finished):
    from wandb_file import read_run

    (folder,) = (finished / "wandb").glob("offline-run-*")
    run_id = (finished / "wandb_id").read_text().strip()
    assert folder.name.endswith(run_id)
    record = read_run(next(folder.glob("*.wandb")))
    assert record.run_id == run_id
    assert {"train/loss", "val/mAP", "val/Head", "test/mAP"} <= record.scalars
    assert {"val/people", "val/heatmaps", "val/table"} <= record.media
    assert list((folder / "files" / "media" / "images" / "val").glob("people_*"))
    charts = {f"{part}/{chart}" for part in ("val", "test") for chart in ("curves", "bars_mAP")}
    assert charts <= record.charts
    assert [len(record.tables[f"{part}/curves_table"]) for part in ("val", "test")] == [4, 1]


def test_a_wandb_run_holds_the_numbers_of_the_test_part(finished):
    from wandb_file import read_run

    record = read_run(next((finished / "wandb").glob("offline-run-*/*.wandb")))
    written = json.loads((finished / "test_curves.json").read_text())
    (columns, *bars), (_, *points) = (record.tables[f"test/{c}_table"][0] for c in ("bars_mAP", "curves"))
    known = {name: column for name, column in written["columns"].items() if column["precision"]}
    assert columns == ["column", "percent"] and len(known) > 1
    assert bars == [["all" if name == "mAP" else name, column["AP"]] for name, column in known.items()]
    for name, column in known.items():
        wanted = zip(written["recall"], column["precision"], strict=True)
        assert [(x, y) for x, line, y in points if line == name] == list(wanted)


@pytest.mark.parametrize(("workers", "by_steps"), [(0, False), (2, False), (0, True)])
def test_resume_equals_an_undisturbed_run_bit_for_bit(finished, labelme, tmp_path, workers, by_steps):
    """2 + 2 epochs equal 4, with augmentation, dropout, EMA, validation and the given number of workers.

    So they do where the training ends after so many steps: Lightning takes that for a run in mid-epoch.
    """
    run = tmp_path / "run"
    settings = [*STRICT, f"data.root={labelme}", "logger=wandb", f"data.workers={workers}"]
    if by_steps:
        steps = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
        settings += ["trainer.max_epochs=-1", f"trainer.max_steps={steps}"]
    with pytest.raises(KeyboardInterrupt):
        run_task(stopped_after_two_epochs, "train", run, *settings)
    assert json.loads((run / "metrics.json").read_text())["status"] == "interrupted"
    first_id = (run / "wandb_id").read_text()
    run_task(train, "train", run, *settings, f"resume={run}")
    whole = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    resumed = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    for key in ("state_dict", RAW):
        for name, tensor in whole[key].items():
            assert torch.equal(tensor, resumed[key][name]), f"{key} {name}"
    one, other = (json.loads((folder / "metrics.json").read_text())["metrics"] for folder in (finished, run))
    same = [name for name in one if name != "train/images_per_s"]
    assert {n: one[n] for n in same} == {n: other[n] for n in same}
    assert (run / "wandb_id").read_text() == first_id
    assert len({p.name.rsplit("-", 1)[1] for p in (run / "wandb").glob("offline-run-*")}) == 1


def stopped_after_two_epochs(cfg):
    """Train, and be interrupted at the start of the third epoch, as by Ctrl-C."""
    original = PoseTask.on_train_epoch_start

    def interrupt(task):
        if task.current_epoch == 2:
            raise KeyboardInterrupt
        original(task)

    with mock.patch.object(PoseTask, "on_train_epoch_start", interrupt):
        try:
            return train(cfg)
        except SystemExit:
            raise KeyboardInterrupt from None


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_runs_two_steps(experiment, labelme, tmp_path):
    small = [
        "model.width=8",
        "data.size=64",
        "data.test_size=64",
        "data.batch_size=2",
        "data.workers=0",
        "trainer=cpu",
    ]
    kind, skeleton, data = "dance", "mpii15", ["data=dance", f"data.root={labelme}"]
    motion = "motion" in experiment or experiment == "demo_attention"
    if not motion:
        small.append("model.depth=small")
    else:
        kind, skeleton, data = "action", "common13", ["data=action", f"data.root={tmp_path / 'clips'}"]
        make_actions(tmp_path / "clips", clips=24)
        small = [o for o in small if o not in ("data.test_size=64", "data.size=64")]
        data += ["data.size=32", "data.resize=36"] + ["data.step=null"] * (experiment == "motion_1d")
        data += ["data.pose_run=null", "data.pose_all=false"]
    if "people_192" in experiment:
        kind, skeleton, data = "coco", "lsp14", [f"data.root={tmp_path}"]
        names = [frame.name for frame in make_coco(tmp_path, frames=10, people=1, skeleton=skeleton)]
        (tmp_path / "split.json").write_text(json.dumps({"train": names[1:], "test": names[:1]}))
    if experiment == "pose_mpii":
        two = [mpii_files.person(), mpii_files.person(60)]
        entries = [mpii_files.image(f"{number:03d}.jpg", two) for number in range(10)]
        groups = [[np.array([1.0, 2.0])]] * 10
        mpii_files.write_mpii(tmp_path / "mpii", entries, [1] * 9 + [0], groups=groups)
        kind, data = "mpii", [f"data.root={tmp_path / 'mpii'}", "data.val=2", "data.test=1"]
    run = tmp_path / "run"
    limits = ["minutes=null"] if "demo" in experiment else []
    epochs = 2 if experiment == "demo_motion" else 1  # its branches are trained before their fusion
    limits += [f"trainer.max_epochs={epochs}", f"+trainer.limit_train_batches={2 // epochs}"]
    limits += ["+trainer.limit_val_batches=1"]
    run_task(train, "train", run, f"experiment={experiment}", *small, *limits, *data)
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2 and last["dancepose"]["skeleton"]["name"] == skeleton
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["kind"] == kind
    report = json.loads((run / "test.json").read_text())
    assert report["scores"]["samples"] > 0 if motion else report["images"] == 1


@pytest.mark.parametrize("debug", DEBUG)
def test_every_debug_config_runs(debug, labelme, tmp_path):
    run = tmp_path / "run"
    own = debug in ("overfit", "fast_dev_run")  # as shipped: ten pictures are enough for their batch
    small = [o for o in TINY if not (own and o.startswith(("data.batch_size", "data.workers")))]
    more = [f"data.root={labelme}", "trainer.max_epochs=1", f"debug={debug}", "scheduler=cosine"]
    if debug == "lr_find":
        more += ["lr_find.steps=20", "model=hrnet"]
    run_task(train, "train", run, *small, *more)
    assert (run / "metrics.json").is_file() == (debug not in ("fast_dev_run", "lr_find"))
    assert (run / "checkpoints" / "last.ckpt").is_file() == (debug in ("overfit", "limit"))
    if debug == "overfit":
        parts = json.loads((run / "split.json").read_text())
        assert len(parts["train"]) == 10 and not parts["val"] + parts["test"]  # which are the training part


# each optimizer and each schedule once: what one gives the other (a rate) is the same in all pairs
PAIRS = {
    "paper_halving": ("rmsprop", "square_avg"),
    "paper_doubling": ("sgd", "momentum_buffer"),
    "multistep": ("adam", "exp_avg_sq"),
    "cosine": ("adamw", "exp_avg_sq"),
}


@pytest.mark.parametrize("scheduler", PAIRS)
def test_every_optimizer_and_every_schedule_trains(scheduler, labelme, tmp_path):
    optimizer, kept = PAIRS[scheduler]
    choices = [f"optimizer={optimizer}", f"scheduler={scheduler}", "trainer.max_epochs=2", "test=false"]
    limits = ["+trainer.limit_train_batches=1", "+trainer.limit_val_batches=0", "callbacks=none"]
    run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *choices, *limits)
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    ((group,), states) = (last["optimizer_states"][0][key] for key in ("param_groups", "state"))
    assert len(states) == len(group["params"]) > 0
    assert all(state[kept].any() for state in states.values())
    (schedule,), falls = last["lr_schedulers"], scheduler in ("cosine", "multistep")  # within two epochs
    assert schedule["last_epoch"] == 2 and (group["lr"] < group["initial_lr"]) == falls


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.batch_size=1", "data.val=none", "+trainer.limit_train_batches=2"],
        ["model=hrnet", "model/attention=cbam2", "inference.flip=true", "inference.scales=[1.0,0.5]"],
        ["logger=many"],
        ["callbacks.early_stop.patience=1", "which=last"],
    ],
    ids=lambda o: o[0],
)
def test_variations_train(overrides, labelme, tmp_path):
    value = run_task(
        train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", "trainer.max_epochs=1", *overrides
    )
    assert value is None if "data.val=none" in overrides else 0 <= value <= 100
    run, flips = tmp_path / "run", "inference.flip=true" in overrides
    report, metrics = (json.loads((run / f"{name}.json").read_text()) for name in ("test", "metrics"))
    assert report["flip"] == flips and report["scales"] == ([1.0, 0.5] if flips else [1.0])
    last = "data.val=none" in overrides or "which=last" in overrides
    assert report["source"] == ("last.ckpt" if last else "best.ckpt")
    assert any(run.rglob("events.out.tfevents.*")) == ("logger=many" in overrides)
    assert metrics["metrics"]["train/loss_epoch"] > 0


def test_clipping_holds_the_weights_back(labelme, tmp_path):
    """A gradient of length 1e-12 moves no float32 weight; that of a first step does."""
    moved, original = {}, PoseTask.on_train_epoch_start
    step = ["optimizer=sgd", "optimizer.lr=0.1", "trainer.max_epochs=1", "+trainer.limit_train_batches=1"]
    for clip in ("null", "1e-12"):
        first, run = {}, tmp_path / clip

        def remember(task, first=first):
            first.update({f"network.{n}": p.detach().clone() for n, p in task.network.named_parameters()})
            original(task)

        with mock.patch.object(PoseTask, "on_train_epoch_start", remember):
            options = [f"trainer.gradient_clip_val={clip}", "callbacks=none", "test=false"]
            run_task(train, "train", run, *TINY, f"data.root={labelme}", *step, *options)
        last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        moved[clip] = max(float((last[name] - tensor).abs().max()) for name, tensor in first.items())
    assert moved["null"] > 1e-5 and moved["1e-12"] < 1e-9


def test_accumulation_divides_the_batch_into_steps(labelme, tmp_path):
    """Of 8 pictures, batch 4 = 2 steps of 2: four forward passes of two pictures and two steps."""
    sizes, original = [], PoseTask.training_step

    def step(task, batch, batch_idx):
        sizes.append((len(batch["image"]), task.global_step))
        return original(task, batch, batch_idx)

    more = ["data.batch_size=4", "trainer.accumulate_grad_batches=2", "trainer.max_epochs=1", "test=false"]
    with mock.patch.object(PoseTask, "training_step", step):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *more)
    assert sizes == [(2, 0), (2, 0), (2, 1), (2, 1)]
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2


@pytest.mark.parametrize(
    "precision, autocast, maps", [("32-true", False, torch.float32), ("bf16-mixed", True, torch.bfloat16)]
)
@pytest.mark.parametrize("channels_last", [True, False])
def test_precision_and_memory_format_reach_the_network(
    precision, autocast, maps, channels_last, labelme, tmp_path
):
    seen, original = [], PoseTask.forward

    def look(network, inputs, outputs):
        last = [m.weight.is_contiguous(memory_format=torch.channels_last) for m in wide(network)]
        assert not autocast or torch.get_autocast_dtype("cpu") == torch.bfloat16
        seen.append(
            (
                torch.is_autocast_enabled("cpu"),
                {output.dtype for output in outputs},
                {p.dtype for p in network.parameters()},
                inputs[0].is_contiguous(memory_format=torch.channels_last),
                set(last),
            )
        )

    def wide(network):
        convolutions = (m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
        return [m for m in convolutions if m.kernel_size != (1, 1) and m.in_channels > 1]

    def forward(task, images):
        handle = task.network.register_forward_hook(look)
        try:
            return original(task, images)
        finally:
            handle.remove()

    options = [f"trainer.precision={precision}", f"channels_last={channels_last}", "test=false"]
    limits = ["trainer.max_epochs=1", "+trainer.limit_train_batches=1"]
    with mock.patch.object(PoseTask, "forward", forward):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *options, *limits)
    assert seen == [(autocast, {maps}, {torch.float32}, channels_last, {channels_last})]


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_clear_error(labelme, tmp_path):
    with pytest.raises(ConfigError, match=r"accelerator=gpu: PyTorch .* finds no GPU.*\(trainer=cpu\)"):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", "trainer=gpu")


def test_a_slip_of_who_labelled_is_told_with_its_file(labelme, tmp_path, caplog):
    root = Path(shutil.copytree(labelme, tmp_path / "data"))
    for number, change in enumerate([{"label": "left_wirst"}, {"points": [[float("nan"), 1.0]]}]):
        path = root / f"frame_00{number}.json"
        content = json.loads(path.read_text())
        content["shapes"][0] |= change
        path.write_text(json.dumps(content))
    step = ["trainer.max_epochs=1", "+trainer.limit_train_batches=1", "callbacks=none", "test=false"]
    run_task(train, "train", tmp_path / "run", *TINY, f"data.root={root}", *step)
    for words in (
        "Did you mean 'left_wrist'?",
        "frame_000.json shapes[0]",
        "frame_001.json shapes[0].points",
    ):
        assert words in caplog.text
    assert "all of them, with file and field: dancepose-browse" in caplog.text


@pytest.mark.parametrize("trainer", sorted(p.stem for p in (config_dir() / "trainer").glob("*.yaml")))
def test_gpus_synchronise_batch_norm(trainer):
    """Only they: gloo cannot, and one device has nothing to synchronise."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        settings = compose("train", overrides=[f"trainer={trainer}"]).trainer
    assert settings.sync_batchnorm is (trainer == "ddp")
    if trainer == "ddp":
        assert (settings.accelerator, settings.devices, settings.strategy) == ("gpu", -1, "ddp")


@pytest.mark.parametrize(
    "override, parts",
    [
        (None, {"network", "backbone", "head", "stem", "stage4", "deconv_layers"}),
        ("callbacks.summary.depth=1", {"network", "backbone", "head"}),
        ("~callbacks.summary", set()),
    ],
    ids=["default", "depth 1", "without"],
)
def test_the_network_is_summed_up_before_training(override, parts, labelme, tmp_path, caplog):
    depth = "full" if override is None else "small"
    more = ["debug=fast_dev_run", f"model.depth={depth}", "test=false", *([override] if override else [])]
    with caplog.at_level("INFO"):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *more)
    tables = [r.getMessage() for r in caplog.records if r.name.endswith("callbacks.summary")]
    assert len(tables) == (1 if parts else 0)
    rows = {line.split()[0]: line.split() for table in tables for line in table.splitlines()}
    assert parts <= set(rows) and ("stem" in rows) == ("stem" in parts)
    if parts:
        assert f"{'G' if depth == 'full' else 'M'}MACs at 64 x 64" in tables[0]
        figures = {name: int(row[2].replace(",", "")) for name, row in rows.items() if name in parts}
        assert figures["network"] == figures["backbone"] + figures["head"] > 0
        assert float(rows["network"][4]) > 0 and rows["network"][5] == "100%"


@pytest.mark.slow
def test_compile_in_place_keeps_the_keys_and_the_loss(labelme, tmp_path):
    """Its validation and test: test_train_motion.py, whose network is traced in a tenth of the time."""
    settings = [*TINY, f"data.root={labelme}", "trainer.max_epochs=1", "+trainer.limit_train_batches=2"]
    settings += ["data.val=none", "test=false"]
    losses, keys = [], []
    with eager_compile() as compiled:
        for name in ("compiled", "plain"):
            run_task(train, "train", tmp_path / name, *settings, f"compile={name == 'compiled'}")
            metrics = json.loads((tmp_path / name / "metrics.json").read_text())["metrics"]
            losses.append(metrics["train/loss_epoch"])
            content = torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)
            keys.append((list(content["state_dict"]), list(content[RAW])))
    assert len(compiled) == 1 and keys[0] == keys[1]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    load_checkpoint(tmp_path / "compiled" / "checkpoints" / "last.ckpt")


def test_what_was_learnt_is_kept_where_the_test_fails(labelme, tmp_path, monkeypatch):
    def fail(*_):
        raise DataError("image gone.jpg cannot be read")

    monkeypatch.setattr("dancepose.tasks.training.measure_test_part", fail)
    with pytest.raises(DataError):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", "trainer.max_epochs=1")
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert found["status"] == "failed" and "gone.jpg" in found["cause"]
    assert {"train/loss", "val/mAP"} <= found["metrics"].keys()


def test_a_loss_that_diverges_stops_with_one_message(labelme, tmp_path):
    run, rate = tmp_path / "run", ["optimizer=sgd", "optimizer.lr=1e30", "test=false"]
    with pytest.raises(DanceposeError, match="not a finite number.*optimizer.lr") as caught:
        run_task(train, "train", run, *TINY, f"data.root={labelme}", *rate)
    assert "last.ckpt" not in str(caught.value), "there is none yet"
    assert json.loads((run / "metrics.json").read_text())["status"] == "failed"
    assert not list(run.glob("checkpoints/*"))


@pytest.mark.parametrize("what", ["loss", "weights"])
def test_the_last_good_epoch_is_kept(what, labelme, tmp_path):
    """NaN in the last step of the second epoch, in the loss or only in the weights."""
    last, good = tmp_path / "run" / "checkpoints" / "last.ckpt", []
    original = PoseTask.training_step

    def step(task, batch, batch_idx):
        loss = original(task, batch, batch_idx)
        if task.current_epoch == 1:
            good.append(last.read_bytes())
            if batch_idx == task.trainer.num_training_batches - 1:
                return loss * float("nan") if what == "loss" else loss + 0 * PoisonedGradient.apply(loss)
        return loss

    with (
        mock.patch.object(PoseTask, "training_step", step),
        pytest.raises(DanceposeError, match=f"the {what}.*last.ckpt holds epoch 1"),
    ):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", "test=false")
    assert last.read_bytes() == good[0]


class PoisonedGradient(torch.autograd.Function):
    """The value as it is; its gradient is NaN."""

    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


def test_early_stop_and_the_best_epoch(labelme, tmp_path):
    """At rate 0 nothing improves: patience + 1 validations, and the first of them is the best."""
    run = tmp_path / "run"
    still = [
        "optimizer=sgd",
        "optimizer.lr=0",
        "callbacks.ema.decay=0",
        "callbacks.early_stop.patience=2",
        "~callbacks.curves",
    ]
    values = iter([3.0, 5.0, 4.0, 5.0, 6.0])
    with mock.patch("dancepose.metrics.mpii.MPIIMeanAP.compute", lambda self: row(next(values))):
        run_task(
            train, "train", run, *TINY, f"data.root={labelme}", *still, "trainer.max_epochs=9", "test=false"
        )
    with (run / "metrics.csv").open() as file:
        scores = [float(r["val/mAP"]) for r in csv.DictReader(file) if r["val/mAP"]]
    assert scores == [3.0, 5.0, 4.0, 5.0]
    best = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == scores.index(max(scores)) == 1


def row(value):
    from dancepose.metrics.table import ResultRow

    return ResultRow("MPII mAP", {"mAP": value}, "mAP")


def test_a_validation_without_scored_joints_is_no_improvement(labelme, tmp_path, caplog):
    run = tmp_path / "run"
    with mock.patch("dancepose.metrics.mpii.MPIIMeanAP.compute", lambda self: row(None)):
        more = ["test=false", "~callbacks.curves"]  # the row that stands in has no curves
        value = run_task(train, "train", run, *TINY, f"data.root={labelme}", *more)
    assert value is None and caplog.text.count("gives no val/mAP") == 1
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["last.ckpt"]


def test_accumulation_halves_the_steps_and_the_batch_is_told(labelme, tmp_path, caplog):
    from dancepose.callbacks.progress import Progress

    run, batch = tmp_path / "run", ["data.batch_size=4", "trainer.accumulate_grad_batches=2"]
    more = ["trainer.max_steps=3", "callbacks.progress.seconds=0", "test=false"]
    clock = iter(range(10**6))
    with (
        caplog.at_level("INFO"),
        mock.patch("dancepose.callbacks.progress.time.perf_counter", lambda: float(next(clock))),
    ):
        run_task(train, "train", run, *TINY, f"data.root={labelme}", *batch, *more)
    assert torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 3
    assert "batch 4 = 1 device x 2 steps x 2" in caplog.text
    lines = [r.getMessage() for r in caplog.records if r.name == Progress.__module__]
    steps = [line for line in lines if "time left" in line]
    assert all("images/s" in line for line in steps)
    # 6 batches of 1 "second" each; the first line comes after one of them
    assert "batch 1/4" in steps[0] and "2.0 images/s  time left 0:00:06" in steps[0]
    assert "time left 0:00:00" in steps[-1]
    assert len({line.split("  loss")[0] for line in steps}) == len(steps), "no batch is told twice"


def test_without_checkpoints_and_bars_the_weights_in_memory_are_tested(labelme, tmp_path, capsys):
    run = tmp_path / "run"
    bare = ["callbacks=none", "~callbacks.best", "~callbacks.last", "logger=none", "trainer.max_epochs=1"]
    run_task(train, "train", run, *TINY, f"data.root={labelme}", *bare)
    assert json.loads((run / "test.json").read_text())["source"] == "weights after the last step"
    assert not list(run.rglob("*.ckpt"))
    assert "Epoch 0" not in capsys.readouterr().out, "no bar of Lightning's own"


@pytest.mark.parametrize("without", [["logger=none"], ["scheduler=none"]], ids=lambda o: o[0])
def test_a_group_may_be_empty(without, labelme, tmp_path):
    more = ["trainer.max_epochs=1", "test=false", "+trainer.limit_train_batches=1", *without]
    run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *more)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["status"] == "done"
    assert "train/loss" in (tmp_path / "run" / "metrics.csv").read_text()


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["which=bset"], "which=bset.*best"),
        (["objective=val/mAPP"], "objective=val/mAPP.*val/mAP"),
        (["objective=test/mAP"], "test part"),
        (["callbacks.best.monitor=val/mAPP"], "callbacks.best.monitor=val/mAPP.*val/mAP"),
    ],
    ids=lambda v: v[-1],
)
def test_a_mistake_is_refused_before_anything_starts(overrides, words, labelme, tmp_path):
    with pytest.raises(ConfigError, match=words):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={labelme}", *overrides)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize(
    "overrides, words",
    [
        ("trainer.accelerator=tpu", "^trainer: lightning.pytorch.Trainer"),
        ("optimizer=sgd optimizer.nesterov=true optimizer.momentum=0", "^optimizer: torch.optim.SGD"),
        ("trainer.accumulate_grad_batches=3", "data.batch_size=2 is for all"),
        ("callbacks.best.mode=most", "^callbacks.best: "),
        ("data.batch_size=1000", "data.root=nowhere"),
    ],
)
def test_what_the_configuration_alone_decides_is_refused_before_data_are_read(overrides, words, tmp_path):
    """And what is wrong with the data, before the batch is compared with them."""
    with pytest.raises(DanceposeError, match=words):
        run_task(
            train, "train", tmp_path / "run", *TINY, "data.root=nowhere", "logger=wandb", *overrides.split()
        )
    assert list((tmp_path / "run").iterdir()) == []


def test_every_process_validates_the_statistics_of_the_first(labelme):
    from types import SimpleNamespace

    sent = []
    with mock.patch("torch.distributed.broadcast", lambda tensor, src: sent.append((id(tensor), src))):
        network = torch.nn.BatchNorm2d(3)
        for size in (1, 2):
            task = SimpleNamespace(trainer=SimpleNamespace(world_size=size), network=network)
            PoseTask._share_buffers(task)
    assert sent == [(id(buffer), 0) for buffer in network.buffers()]


def test_keypoints_that_nothing_labels_are_told_at_the_start(tmp_path, caplog):
    caplog.set_level("INFO")
    make_labelme(tmp_path / "data", frames=6, skeleton="lsp14")
    more = [f"data.root={tmp_path / 'data'}", "debug=fast_dev_run", "data.val=none"]
    run_task(train, "train", tmp_path / "one", *TINY, *more, "skeleton=openpose18")
    (line,) = (text for text in caplog.messages if text.startswith("no training picture labels "))
    assert "left_ear" in line and "left_knee" not in line and line.endswith(": not learnt")
    (end,) = (text for text in caplog.messages if text.startswith("fast_dev_run: "))
    assert end == "fast_dev_run: 1 batch each of training, test went through; nothing is kept but the log"
    caplog.clear()
    run_task(train, "train", tmp_path / "two", *TINY, *more, "skeleton=lsp14", "test=false")
    assert "no training picture labels" not in caplog.text and "each of training went through" in caplog.text


@pytest.mark.slow
def test_what_goes_wrong_in_one_of_two_processes_is_told_once(labelme, tmp_path):
    """As where a picture vanishes that only the second process reads; the first then loses its peer."""
    (tmp_path / "fails.py").write_text(
        "import os\n"
        "from dancepose.errors import DataError\n"
        "from dancepose.tasks.pose import PoseTask\n"
        "from dancepose.train import main\n"
        "step = PoseTask.training_step\n"
        "def fail(task, batch, batch_idx):\n"
        "    if batch_idx == 1 and os.environ.get('LOCAL_RANK') == '1':\n"
        "        raise DataError('image gone.jpg cannot be read')\n"
        "    return step(task, batch, batch_idx)\n"
        "PoseTask.training_step = fail\n"
        "main()\n"
    )
    small = [*(o for o in TINY if not o.startswith("trainer=")), "model=hrnet", f"data.root={labelme}"]
    done = subprocess.run(
        [sys.executable, "fails.py", *small, "trainer=ddp_cpu", "hydra.run.dir=run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("error: ") == 1 and "error: image gone.jpg cannot be read" in done.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["status"] == "failed" and metrics["cause"].startswith("DataError: image gone.jpg")


def test_ddp_on_two_processes_gives_one_run(tmp_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("one_person")
    make_labelme(root, frames=10, people=1)
    done = command(
        "train",
        *[o for o in TINY if not o.startswith("trainer=")],
        f"data.root={root}",
        "data.test=0.4",
        "trainer=ddp_cpu",
        "trainer.max_epochs=1",
        "hydra.run.dir=run",
        "logger=wandb",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    run = tmp_path / "run"
    assert len(list((run / "wandb").glob("offline-run-*"))) == 1
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["status"] == "done"
    predictions = json.loads((run / "predictions.json").read_text())
    names = [image["image"] for image in predictions["images"]]
    assert len(names) == len(set(names)) == json.loads((run / "test.json").read_text())["images"]
    singles = PoseImages.load(run / "per_image.npz").singles
    assert singles.names == json.loads((run / "split.json").read_text())["test"] and len(singles) > 1
    assert singles.value("PCK@0.2") == pytest.approx(metrics["metrics"]["test/PCK@0.2"])


class TestCommandLine:
    """What a user sees."""

    @pytest.mark.parametrize("name", ["train", "evaluate", "browse"])
    def test_help_is_quick_and_needs_no_torch(self, name, tmp_path):
        for flag in (["--help"], ["--cfg", "job"]):
            done = subprocess.run(
                [sys.executable, "-X", "importtime", "-m", f"dancepose.{name}", *flag],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "|" in line}
            assert not imported & {"torch", "lightning", "numpy", "cv2", "albumentations", "wandb"}
            assert "seed" in done.stdout or "part" in done.stdout
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "arguments, words",
        [
            (["lrr=3"], ["unknown key lrr"]),
            (["optimizer.lrr=3"], ["unknown key optimizer.lrr", "optimizer.lr"]),
            (["+trainer.max_epoks=3"], ["trainer.max_epoks", "max_epochs"]),
            (["model=hrnt"], ["model=hrnt", "hrnet"]),
            (["data=dance"], ["data.root is not set"]),
            (["data=dance", "data.root=nowhere"], ["data.root", "nowhere"]),
            (["data.root=nowhere"], ["data.root=nowhere is no folder of drawn scenes", "data=dance"]),
            (["resume=nowhere"], ["no run directory"]),
        ],
        ids=lambda v: v[0] if v else "nothing",
    )
    def test_a_mistake_gets_one_clear_error(self, arguments, words, tmp_path):
        # the one that comes farthest, with all imports, in an interpreter of its own
        run = fresh_command if arguments == ["data.root=nowhere"] else command
        done = run("train", *arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr and done.stderr.startswith("error: "), done.stderr
        assert all(word in done.stderr for word in words), done.stderr
        assert not list(tmp_path.glob("outputs/*/*")), "nothing that looks like a run is left"

    def test_the_full_error_is_there_for_who_wants_it(self, tmp_path):
        done = command("train", "data=dance", "data.root=nowhere", cwd=tmp_path, HYDRA_FULL_ERROR="1")
        assert done.returncode != 0 and "Traceback" in done.stderr and "data.root" in done.stderr

    @pytest.mark.slow
    def test_a_run_goes_on_as_the_readme_says(self, labelme, tmp_path):
        one, two = "trainer.max_epochs=1", "trainer.max_epochs=2"
        first = [*(o for o in TINY if o != two), f"data.root={labelme}", one, "hydra.run.dir=run"]
        done = command("train", *first, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        run = tmp_path / "run"
        before, log = json.loads((run / "metrics.json").read_text()), (run / "log").read_text()
        assert before["status"] == "done" and "MMACs at" in log and "test part" in log
        done = command("train", "resume=run", two, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert os.listdir(tmp_path) == ["run"]
        last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        assert (last["epoch"], last["global_step"]) == (1, 8)
        with (run / "metrics.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["val/mAP"]]
        assert [float(row["epoch"]) for row in rows] == [0, 1]
        after = json.loads((run / "metrics.json").read_text())
        assert after["status"] == "done" and after["metrics"].keys() == before["metrics"].keys()
        assert [after[key] == before[key] for key in ("split", "data", "hash")] == [True, True, False]
        overrides = yaml.safe_load((run / "overrides.yaml").read_text())
        assert overrides[-1] == two and {*overrides} == {*first, two} - {"hydra.run.dir=run"}
        whole = (run / "log").read_text()
        assert whole.startswith(log) and whole.count("run directory: ") == 2

    @pytest.mark.slow
    def test_a_multirun_leaves_one_run_directory_a_job(self, labelme, tmp_path):
        small = [*TINY, f"data.root={labelme}", "trainer.max_epochs=1", "callbacks=none", "test=false"]
        done = command("train", "-m", *small, "model=hrnet,higherhrnet", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 jobs: 2 done" in done.stdout
        assert os.listdir(tmp_path / "outputs") == ["sweeps"]
        (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
        jobs = json.loads((sweep / "jobs.json").read_text())
        assert sorted(p.name for p in sweep.iterdir() if p.name[0] != ".") == sorted(
            [*jobs, "jobs.json", "multirun.yaml", "sweep.json", "sweep.txt"]
        )
        heads = {}
        for name in jobs:
            heads[name.split("_")[0]] = yaml.safe_load((sweep / name / "config.yaml").read_text())["model"]
        assert {name: model["head"]["strides"] for name, model in heads.items()} == {
            "model-hrnet": [4],
            "model-higherhrnet": [4, 2],
        }
