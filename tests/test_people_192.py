"""The protocol people-192 as `experiment=people_192` has it: every number of it, and what it reads."""

import json
import logging
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from factories import PointsCodec, make_coco, make_labelme
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from running import run_task

from dancepose.build import build
from dancepose.data.datamodules import PoseDataModule
from dancepose.evaluate import evaluate
from dancepose.networks.cost import count_parameters
from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.skeleton import load_skeleton
from dancepose.sweeps.ledger import Outcome
from dancepose.sweeps.outcome_table import outcome_table
from dancepose.targets import plain
from dancepose.tasks.pose import PoseTask
from dancepose.train import train

register()
LSP14 = load_skeleton("lsp14")
EPOCHS, STEPS = 20, 3600 // 16  # the last batch of 3,600 pictures is whole
# the same protocol, made small enough for a test
TINY = ["experiment=people_192", "model.depth=small", "model.width=8", "data.size=64", "data.pad_multiple=64"]
TINY += [
    "data.batch_size=2",
    "data.workers=0",
    "trainer.max_epochs=1",
    "~callbacks.summary",
    "~callbacks.curves",
]


def composed(*overrides: str) -> dict[str, Any]:
    """The configuration that these overrides of the experiment compose to."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=["experiment=people_192", "name=test", *overrides])
    return plain(cfg)


def module(config: dict[str, Any], **changes: Any) -> PoseDataModule:
    """The data module of a configuration, whose files are not read yet."""
    values = {name: value for name, value in config["data"].items() if name != "_target_"}
    return PoseDataModule(LSP14, PointsCodec(LSP14), config["seed"], **(values | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten photographs in the form of the real folder: seven train, three test."""
    made = make_coco(tmp_path / "people", frames=10, people=1, skeleton="lsp14")
    names = [frame.name for frame in made]
    split = {"train": names[:7], "test": names[7:]}
    (tmp_path / "people" / "split.json").write_text(json.dumps(split))
    return tmp_path / "people"


@pytest.mark.parametrize("model", ["pose_improved", "higherhrnet", "hrnet"])
def test_every_number_of_the_protocol(model):
    config = composed("data.root=x", f"model={model}")
    data, trainer = config["data"], config["trainer"]
    assert (data["kind"], data["annotations"], data["split"]) == ("coco", "annotations.json", "split.json")
    assert (data["val"], config["which"], config["test"]) == ("none", "last", True)  # nothing is selected
    assert (data["size"], data["test_size"], data["resize"], data["pad_multiple"]) == (192, None, "long", 192)
    assert (data["batch_size"], trainer["accumulate_grad_batches"], trainer["devices"]) == (16, 1, 1)
    untouched = ("limit", "clip", "min_people", "overfit", "labels", "scenes", "parts")
    assert not any(data[key] for key in untouched)
    assert data["augmentation"] == {
        "rotation": 30,
        "scale": [0.75, 1.5],
        "scale_type": None,  # follows data.resize
        "translation": 15,
        "flip": 0.5,
        **dict.fromkeys(("brightness", "contrast", "saturation", "hue", "grey", "blur", "noise"), 0),
    }
    assert config["skeleton"]["name"] == "lsp14" and len(config["skeleton"]["keypoints"]) == 14
    assert (trainer["max_epochs"], trainer["max_steps"], trainer["gradient_clip_val"]) == (EPOCHS, -1, None)
    assert trainer["precision"] == "auto" and not any("limit" in key for key in trainer)
    assert config["callbacks"]["ema"]["decay"] == 0 and config["callbacks"]["early_stop"]["patience"] is None
    assert config["inference"] == {"flip": False, "scales": [1.0]}
    assert config["minutes"] is None and config["seed"] == 0 and config["model"]["weights"] is None
    network = config["model"]
    assert (network["width"], network["depth"], network["stem_width"]) == (16, "full", 64)
    assert (network["dropout"], network["init"]) == (0.0, "published")
    assert (network["codec"]["name"], network["codec"]["sigma"], network["codec"]["normalized"]) == (
        "ae",
        2.0,
        False,
    )
    everything = model == "pose_improved"
    assert network["stem"] == ("pyramid" if everything else "conv")
    assert network["context"] == ("background" if everything else "basic")
    assert network["attention"]["order"] == ("cbam0" if everything else "none")
    assert network["head"]["strides"] == ([4] if model == "hrnet" else [4, 2])


@pytest.mark.parametrize("model", ["pose_improved", "higherhrnet", "hrnet"])
def test_all_networks_have_one_optimizer_and_one_schedule(model):
    config = composed("data.root=x", f"model={model}")
    assert config["optimizer"] == {
        "_target_": "torch.optim.Adam",
        "_partial_": True,
        "lr": 0.001,
        "betas": [0.9, 0.999],
        "eps": 1e-15,
        "weight_decay": 0.0,
        "fused": True,
    }
    optimizer = instantiate(config["optimizer"])([torch.nn.Parameter(torch.zeros(1))])
    schedule = instantiate(config["scheduler"])(optimizer, epochs=EPOCHS, steps_per_epoch=STEPS)
    (factor,), falls = schedule.lr_lambdas, (15 * STEPS, 18 * STEPS)  # at 75 % and 90 % of the steps
    assert [factor(step) for step in (0, falls[0] - 1)] == [1.0, 1.0]
    assert [factor(step) for step in (falls[0], falls[1] - 1)] == pytest.approx([0.1, 0.1])
    assert [factor(step) for step in (falls[1], EPOCHS * STEPS - 1)] == pytest.approx([0.01, 0.01])


def test_the_networks_maps_and_the_published_number_of_parameters():
    config = composed("data.root=x", "model=higherhrnet")
    network = build({name: config[name] for name in ("model", "skeleton", "seed")}).network.eval()
    assert count_parameters(network)[""] == 7_476_298
    with torch.no_grad():
        maps = network(torch.zeros(1, 3, 192, 192, dtype=torch.uint8))
    assert [tuple(m.shape) for m in maps] == [(1, 28, 48, 48), (1, 14, 96, 96)]


def test_the_folder_is_divided_by_its_own_split(folder: Path):
    data = module(composed(f"data.root={folder}"))
    assert [len(data.frames(part)) for part in ("train", "val", "test")] == [7, 0, 3]
    geometry = data.geometry
    assert (geometry.size, geometry.resize, geometry.multiple) == (192, "long", 192)
    assert data.augmentation.scale_type == "long"
    assert data.leaks == []


def test_a_folder_without_a_split_is_refused_and_not_drawn_from(folder: Path, tmp_path: Path):
    (folder / "split.json").unlink()
    with pytest.raises(Exception, match=r"data\.split=split\.json is no file.*or null"):
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={folder}")


def test_a_run_has_no_objective_and_its_sweep_says_so(folder: Path, tmp_path: Path):
    """With nothing to choose by there is nothing to optimise; the test part is not taken in its stead."""
    run = tmp_path / "run"
    assert run_task(train, "train", run, *TINY, f"data.root={folder}", "trainer.precision=32-true") is None
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["status"] == "done" and metrics["objective"] is None and "test/mAP" in metrics["metrics"]
    assert [p.name for p in (run / "checkpoints").iterdir()] == ["last.ckpt"]
    table = outcome_table({"seed-0_a": Outcome("done", objective=metrics["objective"], seconds=61)})
    assert table.splitlines()[2].split() == ["seed-0_a", "done", "-", "0:01:01"]


def test_pictures_that_others_test_on_are_not_trained_on_in_silence(folder: Path, tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING):
        more = ["data.split=null", "data.test=2", "trainer.precision=32-true", "test=false"]
        run_task(train, "train", tmp_path / "run", *TINY, f"data.root={folder}", *more)
    names = json.loads((folder / "split.json").read_text())["test"]
    drawn = json.loads((tmp_path / "run" / "split.json").read_text())["train"]
    count = len(set(names) & set(drawn))
    words = f"{count} of the 3 pictures that {folder / 'split.json'} sets apart for the test are trained on"
    assert count and any(words in record.message for record in caplog.records)


def test_a_subset_of_the_training_leaves_the_test_whole(folder: Path):
    config = composed(f"data.root={folder}")
    small, larger = (
        {part: [f.name for f in data.frames(part)] for part in ("train", "test")}
        for data in (module(config, limit={"train": count}) for count in (2, 4))
    )
    assert [len(small[part]) for part in ("train", "test")] == [2, 3]
    assert set(small["train"]) < set(larger["train"]) and small["test"] == larger["test"]


def test_it_goes_on_from_a_runs_weights_for_so_many_steps(folder: Path, tmp_path: Path, caplog):
    """As README.md has it for transfer: two steps an epoch and five in all, over which the rate falls."""
    tiny = [*TINY, f"data.root={folder}", "trainer.precision=32-true", "test=false"]
    run_task(train, "train", tmp_path / "first", *tiny)
    first = tmp_path / "first" / "checkpoints" / "last.ckpt"
    more = [f"model.weights={first}", "data.limit={train: 4}", "trainer.max_epochs=-1", "trainer.max_steps=5"]
    with caplog.at_level(logging.INFO):
        run_task(train, "train", tmp_path / "second", *tiny, *more)
    assert f"weights from {first}" in caplog.text and "missing: 0 tensors" in caplog.text
    last = torch.load(tmp_path / "second" / "checkpoints" / "last.ckpt", weights_only=True)
    (group,) = last["optimizer_states"][0]["param_groups"]
    assert last["global_step"] == 5 and group["lr"] == pytest.approx(1e-5)


def test_a_run_of_so_many_steps_goes_on_as_if_undisturbed(folder: Path, tmp_path: Path):
    """Without validation, three steps an epoch and eight in all; stopped when the second epoch begins."""
    tiny = [*TINY, f"data.root={folder}", "trainer.precision=32-true", "test=false"]
    tiny += ["trainer.max_epochs=-1", "trainer.max_steps=8"]
    original = PoseTask.on_train_epoch_start

    def interrupt(task: PoseTask) -> None:
        if task.current_epoch == 1:
            raise KeyboardInterrupt
        original(task)

    run_task(train, "train", tmp_path / "whole", *tiny)
    with mock.patch.object(PoseTask, "on_train_epoch_start", interrupt), pytest.raises(BaseException):  # noqa: B017, PT011
        run_task(train, "train", tmp_path / "halved", *tiny)
    run_task(train, "train", tmp_path / "halved", *tiny, f"resume={tmp_path / 'halved'}")
    whole, halved = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)
        for name in ("whole", "halved")
    )
    assert (whole["epoch"], whole["global_step"]) == (halved["epoch"], halved["global_step"]) == (2, 8)
    assert all(torch.equal(value, halved["state_dict"][name]) for name, value in whole["state_dict"].items())


def test_scenes_besides_and_scored_alone(folder: Path, tmp_path: Path):
    """As README.md has it: both parts are trained on, and the scenes of the test are scored by themselves."""
    scenes = make_labelme(tmp_path / "scenes", frames=5)
    names = [frame.name for frame in scenes]
    (tmp_path / "scenes_split.json").write_text(json.dumps({"train": names[:3], "test": names[3:]}))
    parts = f"{{people: {{kind: coco, root: {folder}, annotations: annotations.json, split: split.json}}}}"
    more = f"{{kind: dance, root: {tmp_path / 'scenes'}, split: ../scenes_split.json}}"
    run = tmp_path / "run"
    mixed = ["data=mix", f"data.parts={parts}", f"+data.parts.scenes={more}", "trainer.precision=32-true"]
    run_task(train, "train", run, *TINY, *mixed)
    split = json.loads((run / "split.json").read_text())
    kinds = {part: [name.split("/")[0] for name in split[part]] for part in ("train", "test")}
    assert {part: (k.count("people"), k.count("scenes")) for part, k in kinds.items()} == {
        "train": (7, 3),
        "test": (3, 2),
    }
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["status"] == "done" and {"test/mAP", "test/PCK@0.2"} <= set(metrics["metrics"])
    steps = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert steps == 10 // 2  # of both parts, mixed
    alone = ["data=dance", f"data.root={tmp_path / 'scenes'}", "data.split=../scenes_split.json"]
    run_task(evaluate, "evaluate", tmp_path / "alone", f"ckpt={run / 'checkpoints/last.ckpt'}", *alone)
    told = json.loads((tmp_path / "alone" / "test.json").read_text())
    assert told["images"] == 2 and "mAP" in told["rows"]


@pytest.mark.shared
def test_the_real_folder(shared: Path):
    root = shared / "data" / "people_coco"
    data = module(composed(f"data.root={root}"))
    assert [len(data.frames(part)) for part in ("train", "val", "test")] == [3600, 0, 400]
    official = json.loads((root / "split.json").read_text())
    assert [sorted(f.name for f in data.frames(part)) for part in ("train", "test")] == [
        sorted(official[part]) for part in ("train", "test")
    ]
    (leak,) = module(composed(f"data.root={root}", "data.split=null")).leaks
    assert leak.startswith("357 of the 400 pictures")
