"""`dancepose-export`: a run becomes a file, which loads again and finds the same people."""

import json
import logging

import numpy as np
import pytest
import torch
from factories import make_labelme
from finding import let_find
from running import SMALL, run_task
from safetensors.torch import load_file, save_file

from dancepose.build import build, load_checkpoint
from dancepose.errors import CheckpointError, ConfigError, DanceposeError, DataError
from dancepose.export import export
from dancepose.files import write_bytes
from dancepose.inference.opening import open_motion, open_pose
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.same_people import Agreement
from dancepose.model_card import ENTRY, ModelCard, read_card
from dancepose.networks.weights import load_weights, read_metadata
from dancepose.records import Person
from dancepose.tasks import exporting
from dancepose.tasks.exporting import card_of, pictures_to_check
from dancepose.train import train


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of one epoch, whose last checkpoint finds people in drawn scenes, which need no filling up."""
    folder = tmp_path_factory.mktemp("runs")
    make_labelme(folder / "labelme", frames=6)
    small = [*SMALL, "model=hrnet", "trainer.max_epochs=1"]
    small += [
        "trainer.precision=32-true",
        "data.test_size=96",
        "data.pad_multiple=32",
        "data.val=1",
        "data.test=2",
        "callbacks=none",
    ]
    run_task(train, "train", folder / "finished", *small, f"data.root={folder / 'labelme'}")
    path = folder / "finished" / "checkpoints" / "last.ckpt"
    model, checkpoint = load_checkpoint(path), torch.load(path, weights_only=True)
    let_find(model, pictures_to_check(None, 2))
    state = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    assert state.keys() <= checkpoint["state_dict"].keys()
    torch.save({**checkpoint, "state_dict": {**checkpoint["state_dict"], **state}}, path)
    return folder / "finished"


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "pose.safetensors"
    run_task(export, "export", path.parent, f"run={run}", "which=last", f"file={path}")
    return path


def test_safetensors_are_the_checkpoint_and_say_what_they_are(run, exported):
    wanted, found = load_checkpoint(run / "checkpoints" / "last.ckpt"), load_checkpoint(exported)
    assert found.config == wanted.config and found.test == wanted.test
    state = found.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in wanted.network.state_dict().items())
    card, metrics = (
        read_card(read_metadata(exported), exported),
        json.loads((run / "metrics.json").read_text()),
    )
    assert (card.kind, card.source, card.checkpoint) == ("pose", "finished", "last.ckpt")
    assert (card.hash, card.data, card.split) == (metrics["hash"], metrics["data"], metrics["split"])
    assert card.metrics["test/mAP"] == metrics["metrics"]["test/mAP"]
    assert card_of(found, exported) == card  # what is exported again keeps its card


def test_a_pipeline_and_a_training_start_from_it(run, exported, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    mine, its = (Pipeline.from_run(pose=pose, which="last")(image) for pose in (exported, run))
    assert len(mine.people) == len(its.people) > 0
    np.testing.assert_array_equal(mine.people[0].keypoints, its.people[0].keypoints)
    network = build({"model": load_checkpoint(exported).config["model"], "skeleton": "mpii15"}).network
    assert load_weights(network, exported).shares["loaded"] == 1.0


def test_files_that_are_none_get_one_clear_error(exported, tmp_path):
    content, tensors = exported.read_bytes(), load_file(exported)
    for name, data in {"cut": content[: len(content) // 2], "no": b""}.items():
        (tmp_path / f"{name}.safetensors").write_bytes(data)
        with pytest.raises(CheckpointError, match=f"{name}.safetensors is truncated or damaged"):
            load_checkpoint(tmp_path / f"{name}.safetensors")
    (tmp_path / "text.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(CheckpointError, match=r"text\.safetensors is no checkpoint .* but text"):
        load_checkpoint(tmp_path / "text.safetensors")
    save_file(tensors, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="was not written by dancepose-export"):
        load_checkpoint(tmp_path / "foreign.safetensors")
    card = read_card(read_metadata(exported), exported)
    lacking = {name: tensor for name, tensor in tensors.items() if name != min(tensors)}
    save_file(lacking, tmp_path / "lacking.safetensors", {ENTRY: card.to_json()})
    told = rf"lacking\.safetensors is incomplete: it lacks 1 of .* tensors \({min(tensors)}\)"
    with pytest.raises(CheckpointError, match=told):
        load_checkpoint(tmp_path / "lacking.safetensors")
    card.config["model"]["width"] = 16
    save_file(tensors, tmp_path / "other.safetensors", {ENTRY: card.to_json()})
    with pytest.raises(CheckpointError, match="does not fit this version of dancepose: .*size mismatch"):
        load_checkpoint(tmp_path / "other.safetensors")
    for text in (
        "{",
        "[]",
        '{"kind": "pose"}',
        '{"kind": ' * 100_000,
        '{"kind": "cat", "config": {}, "source": "", "checkpoint": ""}',
    ):
        with pytest.raises(CheckpointError, match=r"a\.onnx: its card"):
            read_card({ENTRY: text}, "a.onnx")
    with pytest.raises(CheckpointError, match="there is no file"):
        load_checkpoint(tmp_path / "nowhere.safetensors")


@pytest.mark.slow
def test_onnx_is_checked_on_pictures_and_tells_how_far_it_differs(run, tmp_path, caplog):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    caplog.set_level(logging.INFO)
    run_task(export, "export", tmp_path, f"run={run}", "which=last", "format=onnx", "check=2")
    assert (tmp_path / "model.onnx").is_file()
    assert (
        "people in 2 pictures; largest difference" in caplog.text
        and "a picture leave the graph" in caplog.text
    )
    assert Pipeline.from_run(pose=tmp_path / "model.onnx")(pictures_to_check(None, 1)[0]).people


def let_compare(monkeypatch, people=1, differing=0, peak=0.0):
    """Write no graph, and have the comparison say what it is told to."""

    def write(model, card, path, flip):
        write_bytes(path, b"a graph")

    def compare(predictor, exported, pictures):
        assert exported.read_bytes() == b"a graph"
        return Agreement(pictures=len(pictures), people=people, differing=differing), peak, 1.0

    monkeypatch.setattr(exporting, "export_pose", write)
    monkeypatch.setattr(exporting, "OnnxPose", lambda path: path)
    monkeypatch.setattr(exporting, "compare_poses", compare)


@pytest.mark.parametrize(
    "found, told",
    [
        ({"differing": 2}, "finds: 2 people of 2 pictures differ"),
        ({"people": 40, "differing": 3}, "finds: 3 people of 2 pictures differ"),
        ({"peak": 0.02}, "finds: the same 1 people .* peak's heat 0.02"),
        ({"peak": np.nan}, "peak's heat nan"),
    ],
    ids=str,
)
def test_a_graph_that_finds_others_is_not_left_behind(run, tmp_path, monkeypatch, found, told):
    let_compare(monkeypatch, **found)
    path = tmp_path / "good.onnx"
    path.write_bytes(b"an older graph, which is good")
    with pytest.raises(DanceposeError, match=told):
        run_task(export, "export", tmp_path / "out", f"run={run}", "format=onnx", "check=2", f"file={path}")
    assert path.read_bytes() == b"an older graph, which is good"
    assert list(tmp_path.glob("*.onnx")) == [path]


@pytest.mark.parametrize(
    "found, told",
    [
        ({"people": 40, "differing": 2}, "2 people of 2 pictures differ"),
        ({"people": 0}, "nobody is in the 2 pictures"),
    ],
    ids=str,
)
def test_a_check_that_says_little_is_told(run, tmp_path, monkeypatch, caplog, found, told):
    let_compare(monkeypatch, **found)
    with caplog.at_level(logging.WARNING):
        run_task(export, "export", tmp_path, f"run={run}", "format=onnx", "check=2")
    assert told in caplog.text and (tmp_path / "model.onnx").read_bytes() == b"a graph"


def test_a_tilde_is_the_users_folder(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    let_compare(monkeypatch)
    run_task(
        export, "export", tmp_path / "out", f"run={run}", "format=onnx", "check=1", "file='~/mine/pose.onnx'"
    )
    assert (tmp_path / "mine" / "pose.onnx").read_bytes() == b"a graph"
    for opened in (open_pose, open_motion):
        with pytest.raises(CheckpointError, match=r"pose\.onnx is truncated, damaged"):
            opened("~/mine/pose.onnx")


def test_only_the_first_pictures_are_looked_at_and_that_is_told(run, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    let_compare(monkeypatch)
    images = run.parent / "labelme"
    asked = [f"run={run}", "format=onnx", f"images={images}"]
    run_task(export, "export", tmp_path, *asked, "check=2")
    assert "checked on the first 2 of 6 pictures" in caplog.text
    caplog.clear()
    run_task(export, "export", tmp_path, *asked, "check=6")
    assert "the first" not in caplog.text


def test_a_file_that_does_not_load_as_it_was_written_leaves_the_old_one(run, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"an older one")
    loaded = exporting.load_checkpoint

    def another(path):
        model = loaded(path)
        next(iter(model.network.state_dict().values())).add_(1)
        return model

    monkeypatch.setattr(exporting, "load_checkpoint", another)
    with pytest.raises(DanceposeError, match="does not load as it was written"):
        run_task(export, "export", tmp_path / "out", f"run={run}", f"file={path}")
    assert path.read_bytes() == b"an older one" and list(tmp_path.glob("*.safetensors")) == [path]


@pytest.mark.parametrize(
    "overrides, told",
    [
        ([], "give run="),
        (["run=nowhere"], "no such run directory"),
        (["run={run}", "format=pickle"], "format"),
        (["run={run}", "file=model.onnx"], "must end in .safetensors"),
        (["run={run}", "flip=true"], "nothing reads flip"),
        (["run={run}", "check=-1"], "check"),
        (["run={run}", "format=onnx", "images={run}", "check=0"], "check=0 .* images"),
        (["run={run}", "format=onnx", "images={run}/checkpoints"], "no picture"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_clear_error(overrides, told, run, tmp_path):
    with pytest.raises((ConfigError, CheckpointError, DataError), match=told):
        run_task(export, "export", tmp_path, *(o.format(run=run) for o in overrides))


def test_people_are_the_same_in_any_order_but_not_with_other_keypoints():
    rng = np.random.default_rng(0)
    people = [
        Person(
            np.column_stack([rng.uniform(0, 99, (15, 2)), np.full(15, 2.0)]), scores=np.ones(15), score=0.5
        )
        for _ in range(3)
    ]
    moved = [Person(p.keypoints + [0.1, 0, 0], scores=p.scores, score=0.4) for p in people]
    agreement = Agreement()
    agreement.add(people, moved[::-1])
    assert agreement.differing == 0 and agreement.people == 3
    assert agreement.pixels == pytest.approx(0.1) and agreement.score == pytest.approx(0.1)
    moved[0].keypoints[3] = 0
    agreement.add(people, moved)
    assert agreement.differing == 2 and "2 people of 2 pictures differ" in str(agreement)


def test_a_card_is_plain_json():
    card = ModelCard("motion", {"model": {}}, "run", "best.ckpt", metrics={"test/accuracy": 0.5})
    assert read_card({ENTRY: card.to_json()}, "x") == card
    assert json.loads(card.to_json())["metrics"] == {"test/accuracy": 0.5}
