"""Motion models through the one door: each shipped one through one contract; refusals, weights."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from shipped_models import network_of, shipped_models, written
from torch import nn

from dancepose.build import (
    FAMILIES,
    Model,
    MotionModel,
    build,
    build_codec,
    expect,
    load_checkpoint,
    model_config,
    motion_config,
    motion_encoder,
)
from dancepose.encoders import FrameEncoder, ImageOnly, SequenceEncoder
from dancepose.errors import CheckpointError, ConfigError
from dancepose.layers.attention import CBAM, ORDERS
from dancepose.motion_model import MOTION
from dancepose.networks.cost import count_macs_of, count_parameters
from dancepose.networks.resnet import ResNet
from dancepose.paths import config_dir
from dancepose.skeleton import load_skeleton

CLASSES = ["wave", "walk", "other"]
SKELETON = load_skeleton("openpose18")


SHIPPED = [model for model in shipped_models() if network_of(model) in MOTION]
SMALL = {
    "motion": ["model.width=8"],
    "motion_keypoints": [],
    "motion_1d": ["model.width=8", "model.channels=[8,16]"],
    "motion_str": ["model.depth=7"],
    "motion_qes": [],
}
ATTENDING = ("motion", "motion_1d")  # the others have no attention
CASES = [(model, order) for model in SHIPPED for order in (["none", *ORDERS] if model in ATTENDING else [""])]
KEYPOINTS = {"branches": ["keypoints"], "attention": {"order": "none"}}


def composed(*overrides: str) -> dict:
    """The `model` node that these overrides compose to."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return OmegaConf.to_container(compose(overrides=list(overrides)).model, resolve=True)


def config(seed: int = 0, **model) -> dict:
    node = {"network": "motion", "width": 4, "depth": 18, **model}
    if node["network"] == "motion_1d":
        del node["depth"]
    return {"model": node, "skeleton": "openpose18", "seed": seed, "classes": CLASSES}


def batch(model: MotionModel, size: int = 2) -> dict[str, torch.Tensor]:
    """What a network takes: arrays by the model's own encoder, and pictures."""
    rng = np.random.default_rng(0)
    frames = model.encoder.frames or 1
    keypoints = rng.uniform(0, 200, (size, frames, len(model.skeleton), 3))
    keypoints[..., 2] = 2
    encoded = [model.encoder(one) for one in keypoints]
    entries = {n: torch.from_numpy(np.stack([e[n] for e in encoded])) for n in model.encoder.inputs}
    entries["image"] = torch.from_numpy(rng.integers(0, 256, (size, 3, 64, 64), dtype=np.uint8))
    return {name: entries[name] for name in model.network.inputs}


@pytest.fixture(scope="module", params=CASES, ids=lambda c: "-".join(c))
def shipped(request) -> MotionModel:
    """Every shipped motion model with every attention, narrow."""
    model, order = request.param
    attention = [f"model/attention={order}"] if order else []
    node = composed(f"+model={model}", *attention, *SMALL[model])
    return made({"model": node, "skeleton": "openpose18", "seed": 3, "classes": CLASSES})


def made(config: dict) -> MotionModel:
    """Build a model; one that is fitted before it is trained sees a few samples."""
    model = expect(build(config), MotionModel)
    if model.network.unfitted:
        arrays = {name: value.numpy() for name, value in batch(model, 12).items() if name != "image"}
        model.network.fit(labels=np.arange(12) % len(CLASSES), **arrays)
    return model


WRONG = [{"size": "224"}, {"resize": "short"}, {"margin": None}, {"precision": 16}]


@pytest.mark.parametrize("test", WRONG)
def test_what_no_training_can_have_tested_with_is_refused(test):
    with pytest.raises(ConfigError, match=f"test.{next(iter(test))}="):
        build({**config(), "test": test})


class TestContract:
    """What every shipped motion model keeps to."""

    @torch.no_grad()
    def test_encoder_network_and_classes_fit(self, shipped):
        assert set(shipped.network.inputs) - {"image"} == set(shipped.encoder.inputs)
        logits = shipped.network.eval()(**batch(shipped))
        assert logits.shape == (2, len(shipped.classes)) and logits.isfinite().all()

    def test_one_sample_trains_every_parameter(self, shipped):
        torch.manual_seed(0)  # of dropout
        network = shipped.network.train()
        network.zero_grad()
        loss = F.cross_entropy(network(**batch(shipped, 1)), torch.tensor([1]))
        if "attention" in shipped.config["model"]:
            assert 0.5 < loss.item() < 2.2  # near log 3, that of a guess
        loss.backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            if shipped.config["model"]["network"] != "motion_str":  # zeros behind a ReLU, at one place
                assert parameter.grad.abs().max() > 0, name

    def test_attention_is_what_the_name_says(self, shipped):
        if "attention" not in shipped.config["model"]:
            assert not any(isinstance(module, CBAM) for module in shipped.network.modules())
            return
        model = shipped.config["model"]
        order = model["attention"]["order"]
        used = [m for m in shipped.network.modules() if isinstance(m, CBAM)]
        nowhere = order == "none" or model.get("branches") == ["keypoints"]
        assert [m.order for m in used] == ([] if nowhere else [order])
        assert {g.scale for m in used for g in (m.channel, m.spatial)} <= {1.0}

    def test_config_is_whole_and_plain(self, shipped):
        """It reads back as itself, and survives YAML: no objects hide in it."""
        assert motion_config(shipped.config["model"]).to_dict() == shipped.config["model"]
        assert yaml.safe_load(yaml.safe_dump(shipped.config)) == shipped.config

    def test_config_makes_the_same_again(self, shipped):
        again = made(shipped.config)
        assert (again.config, again.classes) == (shipped.config, tuple(CLASSES))
        fresh = made({**shipped.config, "seed": 4}).network.state_dict()
        state = made(shipped.config).network.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in again.network.state_dict().items())
        assert not all(torch.equal(value, state[name]) for name, value in fresh.items())

    def test_encoder_before_the_network(self, shipped):
        encoder = motion_encoder(motion_config(shipped.config["model"]), SKELETON)
        assert type(encoder) is type(shipped.encoder)
        assert (encoder.inputs, encoder.frames) == (shipped.encoder.inputs, shipped.encoder.frames)


class TestShippedFiles:
    def test_all_are_tested(self):
        assert set(SHIPPED) == set(SMALL) and {network_of(model) for model in SHIPPED} == set(MOTION)
        assert set(FAMILIES) == {"pose", *MOTION}

    @pytest.mark.parametrize("model", SHIPPED)
    def test_every_field_is_written_out_with_its_default(self, model):
        node = composed(f"+model={model}")
        kind = MOTION[node["network"]]
        assert node.keys() == {f.name for f in dataclasses.fields(kind)}
        defaults = dataclasses.asdict(kind())
        if "attention" in defaults:
            defaults["attention"]["order"] = "cbam1"
        changed = written(model) if "network" not in written(model) else {}
        assert node == {**defaults, **{key: value for key, value in changed.items() if key != "defaults"}}

    def test_parameters_of_the_paper(self):
        """ResNet-50 without its classifier, CBAM of 2,048 channels, and the linear layers."""
        with torch.device("meta"):
            network = motion_config(composed("+model=motion")).make(SKELETON, 6)
        parts = count_parameters(network)
        resnet = 25_557_032 - 1000 * 2049 + 2 * 2048 * 128 + 2048 + 128 + 2 * 49
        assert parts["branches.image.resnet"] == resnet
        assert parts["branches.image.project"] == 2049 * 512
        assert parts["fusion"] == 1025 * 512 + 513 * 512 + 513 * 256 + 257 * 256 + 257 * 6


class TestOrders:
    @pytest.mark.parametrize("network", ATTENDING)
    def test_equal_parameters_operations_and_starts(self, network):
        made = [build(config(network=network, attention={"order": order})) for order in ORDERS]
        none = build(config(network=network)).network.state_dict()
        costs = [count_macs_of(model.network, **batch(model)) for model in made]
        assert costs[0] == costs[1] == costs[2]
        states = [model.network.state_dict() for model in made]
        for state in states[1:]:
            assert all(torch.equal(state[name], value) for name, value in states[0].items())
        assert all(torch.equal(states[0][name], value) for name, value in none.items())


class TestBranches:
    @pytest.mark.parametrize(
        ("model", "encoder", "inputs"),
        [
            (KEYPOINTS, FrameEncoder, ("features",)),
            ({"branches": ["image"], "attention": {"order": "cbam1"}}, ImageOnly, ("image",)),
            ({}, FrameEncoder, ("features", "image")),
            ({"network": "motion_1d"}, SequenceEncoder, ("sequence",)),
        ],
    )
    def test_encoders_and_inputs(self, model, encoder, inputs):
        made = build(config(**model))
        assert type(made.encoder) is encoder and made.network.inputs == inputs
        made.network.train()
        F.cross_entropy(made.network(**batch(made)), torch.tensor([0, 1])).backward()

    def test_settings_reach_the_network(self):
        network = build(
            config(dropout=0.2, literal_first_layer=True, fusion_training="staged", features=["limb_vector"])
        ).network
        assert {m.p for m in network.modules() if isinstance(m, nn.Dropout)} == {0.2}
        first = network.branches["keypoints"].layers[0]
        whole = build(config()).network.branches["keypoints"].layers[0]
        assert first.out_features == 18 and whole.out_features == 256
        assert first.in_features < whole.in_features
        assert list(network.heads) == ["keypoints", "image"] and not build(config()).network.heads
        block = build(config(attention_placement="block", attention={"order": "cbam1"})).network
        assert sum(isinstance(m, CBAM) for m in block.modules()) == 8

    def test_one_branch_alone_has_no_stages(self):
        """So that a sweep over the branches may train their fusion in stages."""
        alone, both = (
            motion_config(config(**keys, fusion_training="staged")["model"]) for keys in (KEYPOINTS, {})
        )
        assert both.staged and not alone.staged
        assert "fusion_training" in alone.idle and "fusion_training" not in both.idle
        made = build(config(**KEYPOINTS, fusion_training="staged")).network
        assert made.state_dict().keys() == build(config(**KEYPOINTS)).network.state_dict().keys()

    def test_settings_reach_the_network_over_time(self):
        made = build(config(network="motion_1d", width=12, channels=[8, 20], kernel=5, frames=9))
        shapes = [tuple(m.weight.shape) for m in made.network.modules() if isinstance(m, nn.Conv1d)]
        assert made.encoder.frames == 9
        assert [s[0] for s in shapes if s[2] == 3] == [12] and (5, 5, 5) in shapes


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"branchs": ["image"]}, r"model\.branchs.*'branches'"),
            ({"branches": ["keypoint"]}, r"model\.branches=keypoint:.*'keypoints'"),
            ({"branches": []}, r"model\.branches=\[\].*keypoints, image"),
            ({"branches": ["image", "image"]}, r"model\.branches=.*each once"),
            ({"branches": "image"}, r"model\.branches='image'"),
            ({"features": ["limb_ratios"]}, r"model\.features=limb_ratios.*'limb_ratio'"),
            ({"features": []}, r"model\.features=\[\]"),
            ({"depth": 49}, r"model\.depth=49.*18, 34, 50, 101"),
            ({"depth": "50"}, r"model\.depth='50'.*int"),
            ({"width": 0}, r"model\.width=0.*at least 1"),
            ({"attention_placement": "module"}, r"model\.attention_placement=module.*final, block"),
            ({"dropout": 1.0}, r"model\.dropout=1\.0"),
            ({"fusion_training": "stage"}, r"model\.fusion_training=stage.*'staged'"),
            ({"init": "xavier"}, r"model\.init=xavier"),
            ({"attention": {"order": "cbam9"}}, r"model\.attention\.order=cbam9.*cbam0"),
            ({"attention": {"reductoin": 8}}, r"model\.attention\.reductoin.*'reduction'"),
            ({"codec": {}}, r"unknown key model\.codec"),
            ({"network": "motion_1d", "frames": 3}, r"model\.frames=3.*at least 4"),
            ({"network": "motion_1d", "channels": [64, 126]}, r"model\.channels=.*multiples of 4"),
            ({"network": "motion_1d", "kernel": 2}, r"model\.kernel=2.*odd"),
            ({"network": "motion_1d", "branches": ["image"]}, r"unknown key model\.branches"),
            ({"network": "motion_2d"}, r"model\.network=motion_2d.*'motion_1d'"),
        ],
    )
    def test_wrong_model_keys_and_values(self, wrong, message):
        with pytest.raises(ConfigError, match=message):
            model_config(config(**wrong)["model"])
        with pytest.raises(ConfigError, match=message):
            build(config(**wrong))

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"classes": None}, r"classes=None: two names"),
            ({"classes": ["wave"]}, r"classes=\['wave'\]: two names"),
            ({"classes": ["wave", "wave"]}, r"each once"),
            ({"classes": ["wave", 3]}, r"classes=\['wave', 3\]"),
            ({"clases": CLASSES}, r"unknown key clases.*'classes'"),
            ({"seed": "1"}, r"seed='1'"),
            ({"skeleton": "openpose"}, r"no skeleton 'openpose'.*'openpose18'"),
            ({"model": None}, r"model=None: a group of keys"),
        ],
    )
    def test_wrong_rest(self, wrong, message):
        with pytest.raises(ConfigError, match=message):
            build(config(**KEYPOINTS) | wrong)

    def test_missing_classes(self):
        plain = config(**KEYPOINTS)
        del plain["classes"]
        with pytest.raises(ConfigError, match="classes is missing"):
            build(plain)

    def test_a_pose_model_has_no_classes(self):
        with pytest.raises(ConfigError, match="unknown key classes"):
            build({"model": {"width": 8}, "skeleton": "mpii15", "classes": CLASSES})

    def test_what_needs_a_pose_network_says_so(self):
        made = build(config(**KEYPOINTS))
        with pytest.raises(ConfigError, match=r"model\.network=motion: a pose network is needed"):
            expect(made, Model)
        with pytest.raises(ConfigError, match=r"model\.network=motion: a pose network is needed"):
            build_codec(model_config(made.config["model"]), SKELETON)
        assert expect(made, MotionModel) is made


class TestWeights:
    def test_public_names_of_a_resnet_find_the_image_branch(self, tmp_path, caplog):
        source = ResNet(18, 4, classes=1000).state_dict()
        torch.save({f"module.{name}": value for name, value in source.items()}, tmp_path / "resnet.pth")
        with caplog.at_level("INFO"):
            network = build(config(weights=str(tmp_path / "resnet.pth"))).network
        fresh = build(config()).network.state_dict()
        found = 0
        for name, value in network.state_dict().items():
            published = name.removeprefix("branches.image.resnet.")
            found += published in source
            assert torch.equal(value, source.get(published, fresh[name])), name
        assert found == len(source) - 2
        assert "unused: 2 tensors" in caplog.text and "(fc.weight, fc.bias)" in caplog.text

    def test_a_branch_of_another_run_serves_the_fused_network(self, tmp_path):
        source = build(config(branches=["image"], seed=5)).network.state_dict()
        torch.save({"state_dict": {f"network.{n}": v for n, v in source.items()}}, tmp_path / "image.ckpt")
        state = build(config(weights=str(tmp_path / "image.ckpt"))).network.state_dict()
        fits = [name for name in source if not name.startswith("heads.")]
        assert fits and all(torch.equal(state[name], source[name]) for name in fits)

    def test_nothing_fits(self, tmp_path):
        torch.save(ResNet(18, 8).state_dict(), tmp_path / "wide.pth")
        with pytest.raises(CheckpointError, match=r"model\.weights: .*kind and width"):
            build(config(**KEYPOINTS, weights=str(tmp_path / "wide.pth")))


class TestCheckpoint:
    @pytest.fixture(params=[KEYPOINTS, {"fusion_training": "staged"}, {"network": "motion_1d"}])
    def saved(self, request, tmp_path):
        """A checkpoint as Lightning writes it, of a network that has moved on from its initial weights."""
        made = build(config(**request.param, seed=7))
        with torch.no_grad():
            for value in made.network.state_dict().values():
                value.add_(1)
        made.config["model"]["weights"] = "gone/from/this/machine.pth"
        content = {
            "dancepose": {**made.config, "test": {"precision": "32"}},
            "state_dict": {f"network.{k}": v for k, v in made.network.state_dict().items()},
        }
        torch.save(content, tmp_path / "last.ckpt")
        return made, tmp_path / "last.ckpt"

    def test_round_trip(self, saved):
        made, path = saved
        assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
        loaded = load_checkpoint(path)
        assert isinstance(loaded, MotionModel)
        assert (loaded.config, loaded.classes, loaded.skeleton) == (made.config, made.classes, made.skeleton)
        assert loaded.test == {"precision": "32"} and type(loaded.encoder) is type(made.encoder)
        state = loaded.network.state_dict()
        assert all(torch.equal(state[name], value) for name, value in made.network.state_dict().items())
        entries = batch(made)
        assert torch.equal(loaded.network.eval()(**entries), made.network.eval()(**entries))

    def test_does_not_fit_itself(self, saved):
        _, path = saved
        content = torch.load(path)
        content["dancepose"]["classes"] = ["wave", "walk"]
        torch.save(content, path)
        with pytest.raises(CheckpointError, match=r"last\.ckpt does not fit.*size mismatch"):
            load_checkpoint(path)


def test_global_generator_is_left_alone():
    before = torch.get_rng_state()
    build(config(**KEYPOINTS))
    assert torch.equal(torch.get_rng_state(), before)
