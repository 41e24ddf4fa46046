"""Pose and motion networks as ONNX files: what they find, and files that are none."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from finding import let_find

from dancepose.build import build
from dancepose.errors import CheckpointError, ConfigError
from dancepose.inference import extras
from dancepose.inference.onnx_export import export_motion, export_pose
from dancepose.inference.onnx_run import OnnxPose, onnx_motion, open_session
from dancepose.inference.opening import open_motion, open_pose
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import PosePredictor
from dancepose.inference.runs import geometry_of
from dancepose.model_card import ENTRY, ModelCard
from dancepose.motion_model import example_inputs
from dancepose.networks.weights import load_weights
from dancepose.tasks.exporting import compare_poses, pictures_to_check

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

pytestmark = pytest.mark.slow

TEST = {"flip": True, "scales": [1.0], "test_size": 128, "resize": "long", "pad_multiple": 32}


@pytest.fixture(scope="module")
def pictures(request):
    """Real photographs where there are some, else drawn scenes.

    Of shapes that need no filling up to multiples of 32: where a picture is of one colour, neighbouring cells
    are equal but for rounding, and a network that was not trained finds peaks there.
    """
    photos = request.config.rootpath.parent / "shared" / "data" / "photos"
    found = pictures_to_check(str(photos) if photos.is_dir() else None, 3)
    shapes = [(3, 4), (4, 3), (4, 4)]
    units = [
        min(p.shape[0] // rows, p.shape[1] // columns)
        for p, (rows, columns) in zip(found, shapes, strict=True)
    ]
    return [p[: u * rows, : u * columns] for p, u, (rows, columns) in zip(found, units, shapes, strict=True)]


@pytest.fixture(scope="module")
def pose(pictures):
    """All of the paper's changes."""
    node = {"network": "pose", "width": 4, "depth": "small", "stem": "pyramid", "context": "background"}
    node |= {"attention": {"order": "cbam1"}}
    model = build({"model": node, "skeleton": "mpii15", "seed": 0, "test": TEST})
    let_find(model, pictures)
    return model


def card_of(model, kind="pose"):
    return ModelCard(kind, {**model.config, "test": model.test}, "made up", "best.ckpt")


@pytest.fixture(scope="module")
def exported(pose, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_pose(pose, card_of(pose), path, flip=True)
    return path


def test_the_same_people_in_pictures_of_any_size(pose, exported, pictures):
    predictor = PosePredictor(pose, geometry_of(pose.test), flip=True, device="cpu")
    agreement, peak, _ = compare_poses(predictor, open_pose(exported), pictures)
    assert agreement.people > 10 and agreement.differing == 0, str(agreement)
    assert agreement.pixels < 0.05 and peak < 1e-3


def test_a_batch_equals_its_pictures(exported):
    network = OnnxPose(exported)
    inputs = np.random.default_rng(0).integers(0, 256, (3, 64, 128, 3), dtype=np.uint8)
    whole = network.people(network.run(inputs))
    for index, found in enumerate(whole):
        (alone,) = network.people(network.run(inputs[index : index + 1]))
        assert len(alone.people) == len(found.people) > 0
        for a, b in zip(alone.people, found.people, strict=True):
            np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-2)


def test_a_pipeline_runs_it(exported, pictures):
    frame = Pipeline.from_run(pose=exported)(pictures[0])
    assert frame.people and frame.skeleton == "mpii15"


def test_what_the_graph_settles_cannot_be_asked_otherwise(exported):
    open_pose(exported, flip=True, scales=[1.0], device="cpu", size=64)
    for asked in ({"scales": [1.0, 0.5]}, {"device": "cuda"}, {"precision": "bf16-mixed"}):
        told = f"leave out {next(iter(asked))}, or give the run itself, or its safetensors$"
        with pytest.raises(ConfigError, match=told):  # no export changes these
            open_pose(exported, **asked)
    with pytest.raises(ConfigError, match="leave out flip, or export another: .*format=onnx flip=false$"):
        open_pose(exported, flip=False)


def test_the_file_says_what_it_is_and_nothing_of_the_machine(exported):
    card, _ = open_session(exported)
    assert card.graph == {"flip": True, "multiple": 32} and card.source == "made up"
    content = exported.read_bytes()
    assert b"site-packages" not in content and b"dancepose/networks" not in content


def broken(path, folder, change):
    """A copy whose card was changed."""
    proto = onnx.load(path)
    entry = next(entry for entry in proto.metadata_props if entry.key == ENTRY)
    card = json.loads(entry.value)
    change(card)
    entry.value = json.dumps(card)
    onnx.save(proto, folder / "broken.onnx")
    return folder / "broken.onnx"


def test_files_that_are_none_get_one_clear_error(exported, pose, tmp_path):
    content = exported.read_bytes()
    for name, data in {
        "cut.onnx": content[: len(content) // 2],
        "text.onnx": b"no graph",
        "no.onnx": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CheckpointError, match=f"{name} (is truncated, damaged|was not written)"):
            open_pose(tmp_path / name)
    with pytest.raises(CheckpointError, match="there is no file"):
        open_pose(tmp_path / "nowhere.onnx")
    foreign = onnx.load(exported)
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "foreign.onnx")
    with pytest.raises(CheckpointError, match="was not written by dancepose-export") as caught:
        open_pose(tmp_path / "foreign.onnx")
    assert "model.weights" not in str(caught.value), "which takes no graph"
    with pytest.raises(CheckpointError, match=r"foreign\.onnx is an ONNX file: .*safetensors"):
        load_weights(torch.nn.Linear(1, 1), tmp_path / "foreign.onnx")


def test_a_card_of_another_network_gets_one_clear_error(exported, tmp_path):
    for change, told in {
        lambda card: card["config"].update(skeleton="nobody"): "does not fit this version",
        lambda card: card["config"]["model"].update(colour="red"): "colour",
        lambda card: card["config"].pop("model"): "do not fit",
        lambda card: card["config"]["model"]["codec"].update(exact=True): "graph and card do not fit",
        lambda card: card["config"].update(skeleton="coco17"): "output peak_heat",
        lambda card: card["graph"].update(flip=False): "output peak_tag",
        lambda card: card["config"]["test"].update(pad_multiple=48): "padded to 48",
        lambda card: card.update(kind="motion"): "motion classifier",
        lambda card: card.update(colour="red"): "card cannot be read",
    }.items():
        with pytest.raises((CheckpointError, ConfigError), match=told):
            open_pose(broken(exported, tmp_path, change))


def test_weights_in_other_files_are_refused(exported, tmp_path):
    keys = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save(onnx.load(exported), tmp_path / "outside.onnx", **keys)
    with pytest.raises(CheckpointError, match=r"outside.onnx is truncated, damaged"):
        open_pose(tmp_path / "outside.onnx")


def test_the_extra_that_is_missing_is_named(pose, exported, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="onnx, onnxscript, onnxruntime, which the extra `export` brings"):
        export_pose(pose, card_of(pose), tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="needs onnxruntime, which the extra `export` brings"):
        OnnxPose(exported)
    assert not (tmp_path / "model.onnx").exists()


def test_a_motion_classifier(tmp_path):
    node = {"network": "motion", "branches": ["keypoints", "image"], "depth": 18, "width": 4}
    config = {"model": node, "skeleton": "common13", "seed": 0, "classes": ["a", "b", "c"]}
    model = build({**config, "test": {"size": 32}})
    export_motion(model, card_of(model, "motion"), tmp_path / "motion.onnx", side=32)
    again = open_motion(tmp_path / "motion.onnx")
    assert again.classes == ("a", "b", "c") and again.network.inputs == model.network.inputs
    inputs = example_inputs(model.network, model.encoder, 13, 32, batch=5)
    inputs["image"] = torch.randint(0, 256, inputs["image"].shape, dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(
            again.network(**inputs), model.network.eval()(**inputs), rtol=1e-3, atol=1e-6
        )
    with pytest.raises(ConfigError, match="where a pose network is needed"):
        open_pose(tmp_path / "motion.onnx")
    for change, told in {
        lambda card: card["config"].update(skeleton="openpose18"): "do not fit",
        lambda card: card["config"]["model"].update(branches=["image"]): "do not fit",
        lambda card: card["config"].update(classes=["a", "b"]): "3 classes, not 2",
        lambda card: card["config"]["test"].update(size=64): "pictures of 32 px, and the card says 64",
        lambda card: card["graph"].update(side=64): "pictures of 64 px, and the card says 32",
        lambda card: card["config"]["test"].pop("size"): "pictures of 32 px, and the card says 224",
        lambda card: (card["graph"].update(side=64), card["config"]["test"].update(size=64)): "do not fit",
        lambda card: card["graph"].clear(): "side",
    }.items():
        with pytest.raises(CheckpointError, match=rf"broken\.onnx.*{told}"):
            open_motion(broken(tmp_path / "motion.onnx", tmp_path, change))
    assert replace(model, network=again.network).classes == onnx_motion(tmp_path / "motion.onnx").classes
