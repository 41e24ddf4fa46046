"""`dancepose-evaluate` tests as the training did: size, precision and so on of its test, and its split."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from factories import make_labelme
from running import SMALL, run_task
from test_evaluate import score

from dancepose.build import build, load_checkpoint
from dancepose.data.datamodules import PoseDataModule
from dancepose.errors import ConfigError, DataError
from dancepose.inference.devices import find_precision
from dancepose.tasks.scoring import fit_data
from dancepose.train import train

GEOMETRY = {"test_size": 96, "resize": "long", "pad_multiple": 32}
SHIPPED = {"size": 512, "test_size": None, "resize": "short", "pad_multiple": 64}
DIVIDED = ["data.val=3", "data.test=4"]


@pytest.fixture(scope="module")
def finished(labelme, tmp_path_factory) -> Path:
    """A run of one epoch whose test differs from the defaults in every setting."""
    run = tmp_path_factory.mktemp("runs") / "finished"
    small = [*SMALL, "model=higherhrnet", "model.codec.detection_threshold=0", "trainer.max_epochs=1"]
    small += ["data.size=96", "data.test_size=null", "data.resize=long", "data.pad_multiple=32", *DIVIDED]
    small += ["trainer.precision=bf16", "inference.flip=true", "inference.scales=[1.0,0.5]"]
    run_task(train, "train", run, *small, "channels_last=false", f"data.root={labelme}")
    return run


@pytest.fixture
def data(labelme, tmp_path) -> Path:
    """A copy of the data that a test may spoil."""
    return Path(shutil.copytree(labelme, tmp_path / "data"))


def copy_run(run: Path, path: Path, root: Path | str, **data) -> Path:
    """Copy a run, its data elsewhere or otherwise, without the split file that a newer version leaves."""
    shutil.copytree(run, path)
    (path / "split.json").unlink(missing_ok=True)
    config = yaml.safe_load((path / "config.yaml").read_text())
    config["data"] |= {"root": str(root), **data}
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    return path


def data_of(run: Path) -> PoseDataModule:
    """Make the data module of a run from its config."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    model = load_checkpoint(run / "checkpoints" / "last.ckpt")
    config["data"].pop("_target_")
    return PoseDataModule(model.skeleton, model.codec, **config["data"])


def keep_split(run: Path) -> dict:
    """Write what a run keeps of its split: split.json, and the hash in metrics.json."""
    data = data_of(run)
    (run / "split.json").write_text(json.dumps(data.split))
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({**metrics, "split": data.split_hash}))
    return data.split


def names_of(run: Path, part: str) -> list[str]:
    return [frame.name for frame in data_of(run).frames(part)]


def remove(root: Path, name: str, *suffixes: str) -> None:
    for suffix in suffixes:
        (root / name).with_suffix(suffix).unlink()


# how it tests


@pytest.mark.parametrize("way", ["ckpt", "run"])
@pytest.mark.slow
def test_a_checkpoint_on_given_data_is_tested_as_in_its_training(finished, labelme, tmp_path, caplog, way):
    source = {"ckpt": f"ckpt={finished / 'checkpoints' / 'best.ckpt'}", "run": f"run={finished}"}[way]
    with caplog.at_level(logging.INFO):
        result = score(tmp_path, source, "data=dance", f"data.root={labelme}", *DIVIDED, "device=cpu")
    assert result["geometry"] == GEOMETRY and result["precision"] == "bf16-mixed"
    assert result["flip"] is True and result["scales"] == [1.0, 0.5]
    assert result["rows"] == json.loads((finished / "test.json").read_text())["rows"]
    told = "long side 96 px, padded to multiples of 32; with flip; scales 1.0, 0.5; precision bf16-mixed"
    assert f"tested: {told}; batches of {result['batch_size']}\n" in caplog.text


def test_a_run_is_tested_as_in_its_training(finished, tmp_path):
    result = score(tmp_path / "own", f"run={finished}", "device=cpu")
    assert result["geometry"] == GEOMETRY and result["precision"] == "bf16-mixed"
    assert result["rows"] == json.loads((finished / "test.json").read_text())["rows"]
    other = score(tmp_path / "other", f"run={finished}", "precision=32-true", "device=cpu")
    assert other["precision"] == "32-true" and other["rows"] != result["rows"]


def test_what_the_user_gives_wins(finished, labelme, tmp_path):
    keys = [f"ckpt={finished / 'checkpoints' / 'last.ckpt'}", "data=dance", f"data.root={labelme}", *DIVIDED]
    keys += ["data.size=64", "data.pad_multiple=64", "flip=false", "scales=[1.0]", "precision=32-true"]
    result = score(tmp_path, *keys)
    assert result["geometry"] == {"test_size": 64, "resize": "long", "pad_multiple": 64}
    assert (result["flip"], result["scales"], result["precision"]) == (False, [1.0], "32-true")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"size": 512} | GEOMETRY),
        ({"size": 256}, {**GEOMETRY, "size": 256, "test_size": None}),
        ({"test_size": 256}, {**GEOMETRY, "size": 512, "test_size": 256}),
        ({"test_size": None}, {"size": 512} | GEOMETRY),
        ({"resize": "short"}, {**GEOMETRY, "size": 512, "resize": "short"}),
        ({"pad_multiple": 64}, {**GEOMETRY, "size": 512, "pad_multiple": 64}),
    ],
)
def test_the_geometry_of_the_training_is_a_default(given, expected):
    fitted = fit_data(SHIPPED | given, GEOMETRY, {f"data.{key}" for key in given}, "a.ckpt")
    assert fitted == expected


def test_an_older_checkpoint_does_not_say(finished, labelme, tmp_path, caplog):
    path = tmp_path / "old.ckpt"
    content = torch.load(finished / "checkpoints" / "last.ckpt", weights_only=True)
    del content["dancepose"]["test"]
    torch.save(content, path)
    assert load_checkpoint(path).test == {}
    keys = [f"ckpt={path}", "data=dance", f"data.root={labelme}", *DIVIDED]
    result = score(tmp_path / "sized", *keys, "data.size=64")
    assert result["geometry"] == {"test_size": 64, "resize": "short", "pad_multiple": 64}
    assert (result["flip"], result["scales"], result["precision"]) == (False, [1.0], "32-true")
    assert "does not say" not in caplog.text
    assert fit_data(SHIPPED, {}, {"data"}, path) == SHIPPED
    assert f"{path} does not say at which size its training tested: 512 is taken" in caplog.text


def test_a_checkpoint_says_in_plain_values_how_its_training_tested(finished):
    path = finished / "checkpoints" / "last.ckpt"
    assert torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) == []
    content = torch.load(path, weights_only=True)["dancepose"]
    settings = {"flip": True, "scales": [1.0, 0.5], "precision": "bf16-mixed", "channels_last": False}
    assert content["test"] == settings | GEOMETRY
    assert json.loads(json.dumps(content)) == content
    loaded, built = load_checkpoint(path), build(content)
    assert loaded.test == built.test == content["test"]
    assert loaded.config == built.config == {k: v for k, v in content.items() if k != "test"}
    with pytest.raises(ConfigError, match="test=3: a group of keys"):
        build({**content, "test": 3})


def test_precision_in_the_trainers_words():
    assert find_precision(None, {}) == "32-true" and find_precision("16-mixed", {}) == "16-mixed"
    for said, name in ((32, "32-true"), (None, "32-true"), ("bf16", "bf16-mixed"), ("16", "16-mixed")):
        assert find_precision(None, {"precision": said}) == name
    assert find_precision("32-true", {"precision": "bf16-true"}) == "32-true"
    with pytest.raises(ConfigError, match="tested in bf16-true.*precision= one of 32-true, bf16-mixed"):
        find_precision(None, {"precision": "bf16-true"})


# what it looks at


@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.slow
def test_only_the_pictures_of_the_part_are_needed(finished, data, tmp_path, part):
    run = copy_run(finished, tmp_path / "run", data)
    other = {"train": "val", "val": "test", "test": "train"}[part]
    name, needed = names_of(run, other)[0], names_of(run, part)[0]
    remove(data, name, ".jpg")
    result = score(tmp_path / "out", f"run={run}", f"part={part}", "pictures=0", part=part)
    assert result["images"] == len(names_of(run, part))
    remove(data, needed, ".jpg")
    with pytest.raises(DataError, match=rf"(?s)image missing.*{needed}.*give root="):
        score(tmp_path / "no", f"run={run}", f"part={part}")


# on which split


def test_data_that_are_divided_otherwise_now_are_refused(finished, data, tmp_path, caplog):
    run = copy_run(finished, tmp_path / "run", data)
    was = json.loads((run / "metrics.json").read_text())["split"]
    make_labelme(data, frames=5, folder="new", seed=3)
    now = data_of(run).split_hash
    assert now != was
    with pytest.raises(DataError, match=rf"split of {run} was {was}, .* is {now}: .*data=\.\.\."):
        score(tmp_path / "no", f"run={run}")
    assert not (tmp_path / "no" / "test.json").exists()
    named = score(tmp_path / "root", f"run={run}", f"root={data}")
    assert named["split"] == now and f"was {was}, that of the data in root= is {now}" in caplog.text
    caplog.clear()
    other = score(tmp_path / "data", f"run={run}", "data=dance", f"data.root={data}", *DIVIDED)
    assert other["split"] == now and "root=" not in caplog.text


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.slow
def test_the_split_that_the_run_keeps_is_scored(finished, data, tmp_path, root):
    run = copy_run(finished, tmp_path / "run", "gone" if root else data)
    kept = data_of(finished).split
    (run / "split.json").write_text(json.dumps(kept))
    make_labelme(data, frames=5, folder="new", seed=3)
    where = [f"root={data}"] if root else []
    result = score(tmp_path / "out", f"run={run}", *where, "device=cpu")
    mine = json.loads((finished / "test.json").read_text())
    assert (result["split"], result["rows"]) == (mine["split"], mine["rows"])
    remove(data, kept["train"][0], ".jpg", ".json")
    with pytest.raises(
        DataError, match=rf"split\.json: of the 10 pictures .* 1 are not .*{kept['train'][0]}"
    ):
        score(tmp_path / "no", f"run={run}", *where)
    for name in kept["test"]:
        remove(data, name, ".jpg", ".json")
    with pytest.raises(DataError, match=r"(?s)none of the 4 names in 'test'.*give root="):
        score(tmp_path / "none", f"run={run}", *where)


def test_the_kept_split_of_a_mix(finished, data, tmp_path):
    make_labelme(tmp_path / "more", frames=8, seed=5)
    parts = {name: {"kind": "dance", "root": name} for name in ("data", "more")}
    run = copy_run(finished, tmp_path / "run", tmp_path, kind="mix", parts=parts)
    kept = keep_split(run)
    assert {name.split("/")[0] for name in kept["test"]} == {"data", "more"}
    make_labelme(tmp_path / "more", frames=5, folder="new", seed=3)
    result = score(tmp_path / "out", f"run={run}")
    names = [e["image"] for e in json.loads((tmp_path / "out" / "predictions.json").read_text())["images"]]
    assert sorted(names) == sorted(kept["test"])
    assert result["split"] == json.loads((run / "metrics.json").read_text())["split"]


def test_the_kept_split_of_an_overfitted_run(finished, data, tmp_path):
    run = copy_run(finished, tmp_path / "run", data, overfit=True, pad_multiple=96, limit=2)
    kept = keep_split(run)
    (run / "split.json").write_text(json.dumps({"train": kept["train"], "val": [], "test": []}))
    make_labelme(data, frames=5, folder="new", seed=3)
    result = score(tmp_path / "out", f"run={run}")
    assert result["images"] == 2 and result["geometry"]["pad_multiple"] == 96
    assert result["split"] == json.loads((run / "metrics.json").read_text())["split"]
