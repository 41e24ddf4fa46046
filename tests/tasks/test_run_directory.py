import json

import pytest
import yaml

from dancepose.errors import CheckpointError, ConfigError, DanceposeError, DataError
from dancepose.files import write_json, write_text
from dancepose.tasks.config_hash import config_hash
from dancepose.tasks.run_directory import RunDirectory


def test_the_wandb_id_is_made_once(tmp_path):
    run = RunDirectory(tmp_path)
    run.keep_wandb_id()
    assert not list(tmp_path.iterdir()), "nobody has asked for one"
    first = run.wandb_id()
    assert len(first) == 8 and run.wandb_id() == first and not list(tmp_path.iterdir())
    run.keep_wandb_id()
    assert RunDirectory(tmp_path).wandb_id() == first
    assert RunDirectory(tmp_path / "other").wandb_id() != first


def test_what_divided_the_data_is_kept_and_an_older_run_does_not_say(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_metrics("done", division=["test: the official list"])
    assert run.read_division() == ["test: the official list"]
    run.write_metrics("done", division=[])
    assert run.read_division() == []
    run.write_metrics("done")
    (told,) = run.read_division()
    assert told.startswith(f"divided by {tmp_path / 'split.json'}: its run does not say")


def test_one_process_tells_what_went_wrong(tmp_path):
    run = RunDirectory(tmp_path)
    assert run.is_first_error(patient=False)
    assert not run.is_first_error(patient=False) and not RunDirectory(tmp_path).is_first_error(patient=True)
    run.forget_errors()
    assert run.is_first_error(patient=True)


def test_best_falls_back_to_last_only_where_no_best_was_ever_written(tmp_path):
    run = RunDirectory(tmp_path)
    with pytest.raises(CheckpointError, match="best.ckpt does not exist"):
        run.checkpoint("best")
    write_text(run.checkpoints / "last.ckpt", "x")
    assert run.checkpoint("best").name == "last.ckpt"
    write_text(run.checkpoints / "best.ckpt", "x")
    assert run.checkpoint("best").name == "best.ckpt" and run.checkpoint("last").name == "last.ckpt"
    with pytest.raises(ConfigError, match="which=first"):
        run.checkpoint("first")


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\xff"])
def test_a_broken_config_is_named(tmp_path, text):
    (tmp_path / "config.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="config.yaml"):
        RunDirectory(tmp_path).read_config()


def test_a_config_without_its_last_newline_is_refused_as_by_a_comparison(tmp_path):
    """What is cut off may be valid YAML. A job that one reader refuses and another takes would stay so."""
    run = RunDirectory(tmp_path)
    run.write_config({"seed": 12}, [], {})
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text().rstrip("\n"))
    with pytest.raises(ConfigError, match=r"config\.yaml is cut off, or was saved without .*its last line"):
        run.read_config()


def test_a_config_that_was_read_may_be_changed(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_config({"a": [1]}, [], {})
    run.read_config()["a"].append(2)
    assert run.read_config() == {"a": [1]}


def test_config_and_overrides_come_back(tmp_path):
    run = RunDirectory(tmp_path / "new")
    run.write_config({"b": 1, "a": [1, {"c": None}]}, ["b=1"], {"model/attention": "cbam0", "debug": None})
    assert run.read_config() == {"b": 1, "a": [1, {"c": None}]}
    assert yaml.safe_load((run.path / "choices.yaml").read_text()) == {
        "model/attention": "cbam0",
        "debug": None,
    }
    run.write_metrics("done", metrics={"val/mAP": 1.5})
    assert json.loads((run.path / "metrics.json").read_text())["status"] == "done"


def test_the_split_comes_back(tmp_path):
    run = RunDirectory(tmp_path / "new")
    assert run.read_split() is None and run.read_metrics() == {}
    run.write_split({"train": ["b.jpg", "a.jpg"], "val": [], "test": ["c.jpg"], "by": "image", "seed": 0}, {})
    assert run.read_split() == {"train": ["b.jpg", "a.jpg"], "val": [], "test": ["c.jpg"]}
    assert sorted(p.name for p in run.path.iterdir()) == ["labels.json", "split.json"]


@pytest.mark.parametrize("name", ["split.json", "metrics.json"])
def test_a_broken_file_of_the_run_is_named(tmp_path, name):
    (tmp_path / name).write_text('{"train": [')
    run = RunDirectory(tmp_path)
    with pytest.raises(DataError, match=f"{name} is no whole JSON"):
        run.read_split() if name == "split.json" else run.read_metrics()


def test_the_hash_sees_settings_but_not_places():
    config = {"seed": 0, "data": {"root": "/a", "size": 512}, "output": "x", "model": {"width": 32}}
    same = {
        "output": "y",
        "model": {"width": 32},
        "data": {"size": 512, "root": "/b"},
        "seed": 0,
        "resume": "z",
    }
    assert config_hash(config, "d") == config_hash(same, "d")
    assert config_hash(config, "d") != config_hash(config, "e")
    assert config_hash(config, "d") != config_hash(config | {"seed": 1}, "d")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    with pytest.raises(DanceposeError, match="cannot be written"):
        write_text(path / "below_a_file", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"], "nothing half-written is left"


def test_a_full_disk_is_one_clear_error_and_keeps_the_old_file():
    from pathlib import Path

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    import errno
    import os
    import tempfile
    from unittest import mock

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        write_text(path, "old")
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with mock.patch("os.fsync", side_effect=full), pytest.raises(DanceposeError, match="No space left"):
            write_text(path, "new")
        assert path.read_text() == "old" and len(list(Path(folder).iterdir())) == 1


def test_half_written_files_go_and_no_others(tmp_path):
    run = RunDirectory(tmp_path / "run")
    kept = [run.path / ".begun", run.path / "pictures" / ".old.a1b2c3_x.partial"]
    for path in [
        *kept,
        *(run.path / f".{name}.a_1b2c3d.dancepose_partial" for name in ("begun", "per_image.npz")),
    ]:
        write_text(path, "x")
    run.remove_leftovers()
    assert sorted(path for path in run.path.rglob("*") if path.is_file()) == sorted(kept)


def test_half_written_files_of_a_run_below_stay(tmp_path):
    being_written = (
        RunDirectory(tmp_path / "outputs" / "other").checkpoints / ".last.ckpt.a_1b2c3d.dancepose_partial"
    )
    write_text(being_written, "x")
    RunDirectory(tmp_path / "outputs").remove_leftovers()
    assert being_written.exists()
