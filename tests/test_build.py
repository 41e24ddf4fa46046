"""From a plain dictionary to skeleton, codec and network; every shipped model through one contract."""

import dataclasses
import inspect
import itertools
import re
import subprocess
import sys

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from shipped_models import network_of, shipped_models, written
from torch import nn

from dancepose.attentions import ATTENTIONS, AttentionConfig
from dancepose.build import ModelConfig, build, build_codec, load_checkpoint, load_weights, model_config
from dancepose.errors import CheckpointError, ConfigError
from dancepose.layers.attention import CBAM
from dancepose.layers.background import BackgroundBlock
from dancepose.paths import config_dir
from dancepose.pose_model import CODECS, NOT_CONFIGURED, HeadConfig
from dancepose.skeleton import load_skeleton


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))


POSE = [model for model in shipped_models() if network_of(model) == "pose"]
MODELS = [model for model in POSE if "network" in written(model)]
CHANGED = [model for model in POSE if "network" not in written(model)]
ORDERS, HEADS = names("model/attention"), names("model/head")


def composed(*overrides: str) -> dict:
    """The `model` node that these overrides compose to."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return OmegaConf.to_container(compose(overrides=list(overrides)).model, resolve=True)


def config(skeleton: str = "mpii15", seed: int = 0, **model) -> dict:
    return {"model": {"width": 8, **model}, "skeleton": skeleton, "seed": seed}


def images(batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, 3, 64, 64), generator=generator, dtype=torch.uint8)


@pytest.fixture(
    scope="module",
    params=[*itertools.product(MODELS, ORDERS, HEADS), *((model,) for model in CHANGED)],
    ids=lambda choice: "-".join(choice),
)
def shipped(request):
    """Every shipped model with every attention and head, narrow; what is another with changes as it is."""
    model, *options = request.param
    groups = [
        f"model/{group}={option}" for group, option in zip(("attention", "head"), options, strict=False)
    ]
    node = composed(f"+model={model}", *groups, "model.width=8")
    return build({"model": node, "skeleton": "mpii15", "seed": 3})


@pytest.mark.parametrize("override", ["sigma=-1", "max_people=0", "push_weight=-1", "person_evidence=-1"])
def test_an_impossible_number_of_the_codec_names_its_key(override):
    key, value = override.split("=")
    model = model_config({"codec": {key: int(value)}})
    with pytest.raises(ConfigError, match=f"^model.codec.{override}: it must be "):
        build_codec(model, load_skeleton("mpii15"))


class TestContract:
    """What every shipped model keeps to."""

    def test_maps_fit_the_codec(self, shipped):
        with torch.no_grad():
            maps = shipped.network.eval()(images(2))
        assert len(maps) == len(shipped.codec.outputs)
        for out, spec in zip(maps, shipped.codec.outputs, strict=True):
            assert out.shape == (2, spec.channels, 64 // spec.stride, 64 // spec.stride)
            assert out.isfinite().all()

    def test_one_image_trains_every_parameter(self, shipped):
        shipped.network.train().zero_grad()
        sum(m.square().mean() for m in shipped.network(images())).backward()
        for name, parameter in shipped.network.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name

    def test_attention_is_what_the_name_says(self, shipped):
        order = shipped.config["model"]["attention"]["order"]
        place = re.compile(r"\.attention(s\.\d+)?$")
        places = [m for name, m in shipped.network.named_modules() if place.search(name)]
        used = [m for m in places if not isinstance(m, nn.Identity)]
        assert len(used) == (0 if order == "none" else 26)
        assert {m.order for m in used if isinstance(m, CBAM)} <= {order}

    def test_no_background_block_at_a_quarter(self, shipped):
        background = shipped.config["model"]["context"] == "background"
        for name, module in shipped.network.named_modules():
            if isinstance(module, BackgroundBlock):
                assert background and ".branches.0." not in name

    def test_config_is_whole_and_plain(self, shipped):
        """It reads back as itself, and survives YAML: no objects hide in it."""
        assert model_config(shipped.config["model"]).to_dict() == shipped.config["model"]
        assert yaml.safe_load(yaml.safe_dump(shipped.config)) == shipped.config

    def test_size_that_does_not_fit_is_told(self, shipped):
        with pytest.raises(ConfigError, match="Pad them .* 96 x 64"):
            shipped.network(images()[:, :, :, :50].repeat(1, 1, 1, 2)[:, :, :, :70])


class TestShippedFiles:
    @pytest.mark.parametrize(
        "path", [p.relative_to(config_dir()) for p in config_dir().glob("model/**/*.yaml")]
    )
    def test_short(self, path):
        assert len((config_dir() / path).read_text().splitlines()) < 40

    @pytest.mark.parametrize("model", MODELS + CHANGED)
    def test_every_field_is_written_out(self, model):
        node = composed(f"+model={model}")
        assert node.keys() == {f.name for f in dataclasses.fields(ModelConfig)}
        assert node["head"].keys() == {f.name for f in dataclasses.fields(HeadConfig)}

    @pytest.mark.parametrize("order", ORDERS)
    def test_attention_files_differ_in_order_alone(self, order):
        node = yaml.safe_load((config_dir() / f"model/attention/{order}.yaml").read_text())
        assert node == {**dataclasses.asdict(AttentionConfig()), "order": order}

    @pytest.mark.parametrize("codec", names("model/codec"))
    def test_codec_files_hold_every_argument_with_its_default(self, codec):
        node = yaml.safe_load((config_dir() / f"model/codec/{codec}.yaml").read_text())
        parameters = inspect.signature(CODECS[node.pop("name")]).parameters.values()
        assert node == {p.name: p.default for p in parameters if p.name not in NOT_CONFIGURED}

    def test_lookups_and_files_agree(self):
        assert set(ORDERS) == set(ATTENTIONS)
        assert set(names("model/codec")) == set(CODECS)

    def test_models_are_what_they_are_called(self):
        plain = ("conv", "basic", "none")
        wanted = {
            "hrnet": (*plain, [4]),
            "higherhrnet": (*plain, [4, 2]),
            "hrnet_pyramid": ("pyramid", "basic", "none", [4]),
            "hrnet_background": ("conv", "background", "none", [4]),
            "hrnet_cbam0": ("conv", "basic", "cbam0", [4]),
            "pose_improved": ("pyramid", "background", "cbam0", [4, 2]),
        }
        assert wanted.keys() == {*MODELS, *CHANGED}
        for model, (stem, context, order, strides) in wanted.items():
            node = composed(f"+model={model}")
            assert (node["stem"], node["context"], node["attention"]["order"]) == (stem, context, order)
            assert node["head"]["strides"] == strides and node["width"] == 32

    def test_overrides(self):
        node = composed(
            *(
                "+model=pose_improved",
                "model/attention=cbam1",
                "model.attention.reduction=8",
                "model/head=single",
            ),
            *("model.codec.sigma=1.5", "model.global_norm=none"),
        )
        read = model_config(node)
        assert (read.attention.order, read.attention.reduction, read.head.strides) == ("cbam1", 8, [4])
        assert (read.codec.arguments["sigma"], read.global_norm) == (1.5, "none")

    @pytest.mark.parametrize(
        ("model", "wanted"),
        [("hrnet", 28_536_542), ("higherhrnet", 28_643_085), ("higherhrnet_48", 63_823_773)],
    )
    def test_parameters_at_full_width(self, model, wanted):
        name, _, width = model.partition("_")
        made = build(
            {"model": composed(f"+model={name}", f"model.width={width or 32}"), "skeleton": "mpii15"}
        )
        assert sum(p.numel() for p in made.network.parameters()) == wanted


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"widht": 8}, r"model\.widht.*'width'"),
            ({"width": 8.0}, r"model\.width=8\.0.*int"),
            ({"width": True}, r"model\.width=True"),
            ({"width": 0}, r"model\.width=0.*at least 1"),
            ({"stem": "pyramyd"}, r"model\.stem=pyramyd.*conv, pyramid.*'pyramid'"),
            ({"context": "local"}, r"model\.context=local"),
            ({"global_norm": "instance"}, r"model\.global_norm=instance.*layer"),
            ({"attention_placement": "modul"}, r"model\.attention_placement=modul.*'module'"),
            ({"init": "xavier"}, r"model\.init=xavier"),
            ({"network": "motoin"}, r"model\.network=motoin.*pose, motion.*'motion'"),
            ({"dropout": 1.0}, r"model\.dropout=1\.0"),
            ({"weights": 3}, r"model\.weights=3"),
            ({"attention": None}, r"model\.attention=None.*group of keys"),
            ({"attention": {"order": "cbam9"}}, r"model\.attention\.order=cbam9.*cbam0"),
            ({"attention": {"reductoin": 8}}, r"model\.attention\.reductoin.*'reduction'"),
            ({"attention": {"reduction": 0}}, r"model\.attention\.reduction=0"),
            ({"attention": {"kernel": 4}}, r"model\.attention\.kernel=4.*odd"),
            ({"attention": {"spatial_norm": "layer"}}, r"model\.attention\.spatial_norm=layer"),
            ({"attention": {"gate_scale": 0}}, r"model\.attention\.gate_scale=0"),
            ({"head": {"strides": [2]}}, r"model\.head\.strides=\[2\].*\[4, 2\]"),
            ({"head": {"strides": [4, "2"]}}, r"model\.head\.strides"),
            ({"head": {"stride": [4]}}, r"model\.head\.stride\..*'strides'"),
            ({"codec": {"name": "aee"}}, r"model\.codec\.name=aee.*'ae'"),
            ({"codec": {"sigm": 1.0}}, r"model\.codec\.sigm.*'sigma'"),
            ({"codec": {"sigma": "wide"}}, r"model\.codec\.sigma='wide'.*float"),
            ({"codec": {"skeleton": "coco17"}}, r"model\.codec\.skeleton"),
            ({"codec": {"nms_kernel": 4}}, r"model\.codec.*nms_kernel"),
        ],
    )
    def test_wrong_model_keys_and_values(self, wrong, message):
        with pytest.raises(ConfigError, match=message):
            build(config(**wrong))

    def test_a_whole_number_is_a_float(self):
        assert model_config({"codec": {"sigma": 2}, "dropout": 0}).codec.arguments["sigma"] == 2

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"model": {"width": 8}}, "skeleton is missing"),
            ({**config(), "sed": 1}, "unknown key sed.*'seed'"),
            ({**config(), "seed": "1"}, "seed='1'"),
            (config("mpi15"), "no skeleton 'mpi15'.*'mpii15'"),
        ],
    )
    def test_wrong_rest(self, wrong, message):
        with pytest.raises(ConfigError, match=message):
            build(wrong)

    def test_codec_that_needs_other_scales(self, monkeypatch):
        class Coarse(CODECS["ae"]):
            def __init__(self, skeleton, strides=(4,)):
                super().__init__(skeleton, strides[:1])

        monkeypatch.setitem(CODECS, "coarse", Coarse)
        assert len(build(config(codec={"name": "coarse"}, head={"strides": [4]})).codec.outputs) == 1
        with pytest.raises(ConfigError, match=r"model\.head\.strides=\[4, 2\].*needs \[4\]"):
            build(config(codec={"name": "coarse"}))


class TestBuild:
    @pytest.mark.parametrize("skeleton", names("skeleton"))
    def test_any_skeleton(self, skeleton):
        keypoints = len(load_skeleton(skeleton))
        made = build(config(skeleton))
        assert [layer.out_channels for layer in made.network.head.final_layers] == [2 * keypoints, keypoints]

    def test_skeleton_by_its_contents(self):
        contents = load_skeleton("lsp14").to_dict()
        assert build(config(contents)).skeleton == build(config("lsp14")).skeleton

    def test_defaults_are_written_out(self):
        made = build({"model": {"width": 8}, "skeleton": "mpii15"})
        assert made.config["seed"] == 0
        assert made.config["model"] == model_config({"width": 8}).to_dict()
        assert made.config["model"]["codec"]["sigma"] == 2.0

    @pytest.mark.parametrize(
        ("placement", "scale", "wanted"), [("module", None, 2.0), ("block", None, 1.0), ("module", 1.0, 1.0)]
    )
    def test_gate_scale(self, placement, scale, wanted):
        attention = {"order": "cbam0", "gate_scale": scale}
        made = build(config(attention_placement=placement, attention=attention))
        scales = {
            g.scale for m in made.network.modules() if isinstance(m, CBAM) for g in (m.channel, m.spatial)
        }
        assert scales == {wanted}
        assert made.config["model"]["attention"]["gate_scale"] == scale

    def test_config_makes_the_same_again(self):
        made = build(
            {"model": composed("+model=pose_improved", "model.width=8"), "skeleton": "mpii15", "seed": 3}
        )
        again = build(made.config)
        assert again.config == made.config
        state = made.network.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in again.network.state_dict().items())

    def test_settings_reach_the_network(self):
        made = build(config(context="background", global_norm="none", init="kaiming")).network
        assert not any(isinstance(m, nn.GroupNorm) for m in made.modules())
        assert made.backbone.layer1[0].conv2.weight.std().item() == pytest.approx((2 / 576) ** 0.5, rel=0.05)
        plain = build(config(context="background")).network
        assert any(isinstance(m, nn.GroupNorm) for m in plain.modules())
        assert plain.backbone.layer1[0].conv2.weight.std().item() == pytest.approx(1e-3, rel=0.05)

    def test_variants_start_equal_where_they_share_a_layer(self):
        variants = [
            build(config(attention={"order": order}, context=context)).network.state_dict()
            for order in ("none", "cbam1", "cbam2")
            for context in ("basic", "background")
        ]
        for state in variants[1:]:
            assert all(torch.equal(state[name], value) for name, value in variants[0].items())

    def test_seed(self):
        one, same, other = (build(config(seed=s)).network.backbone.stem.conv1.weight for s in (0, 0, 1))
        assert torch.equal(one, same) and not torch.equal(one, other)

    def test_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        build(config())
        assert torch.equal(torch.get_rng_state(), before)

    def test_dropout(self):
        made = build(config(dropout=0.3)).network
        assert [m.p for m in made.modules() if isinstance(m, nn.Dropout2d)] == [0.3]

    def test_published_weights(self, tmp_path, caplog):
        source = build(config("coco17", seed=5)).network
        torch.save({"state_dict": source.state_dict()}, tmp_path / "w.pth")
        with caplog.at_level("INFO"):
            made = build(config(weights=str(tmp_path / "w.pth"))).network
        assert torch.equal(made.backbone.layer1[0].conv1.weight, source.backbone.layer1[0].conv1.weight)
        for word in ("loaded: ", "missing: 0 ", "mismatched: 5 ", "unused: 0 ", "% of the network"):
            assert word in caplog.text
        with pytest.raises(CheckpointError, match=r"model\.weights: there is no file"):
            build(config(weights=str(tmp_path / "none.pth")))

    def test_needs_neither_hydra_nor_lightning(self):
        code = (
            "import sys; from dancepose.build import build;"
            "build({'model': {'width': 8}, 'skeleton': 'mpii15', 'seed': 0});"
            "print(*{m.split('.')[0] for m in sys.modules} & {'hydra', 'omegaconf', 'lightning', 'wandb'})"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""


def set_test(content: dict, test: object) -> None:
    content["dancepose"]["test"] = test


class TestCheckpoint:
    @pytest.fixture
    def saved(self, tmp_path):
        """A checkpoint as Lightning writes it, of a network that has moved on from its initial weights."""
        made = build(config(attention={"order": "cbam0"}, seed=7))
        with torch.no_grad():
            for parameter in made.network.parameters():
                parameter.add_(0.01)
        made.config["model"]["weights"] = "gone/from/this/machine.pth"
        content = {
            "dancepose": made.config,
            "state_dict": {f"network.{k}": v for k, v in made.network.state_dict().items()},
            "optimizer_states": [{"state": {}}],
            "epoch": 3,
        }
        return made, content, tmp_path / "last.ckpt"

    def test_round_trip(self, saved):
        made, content, path = saved
        torch.save(content, path)
        loaded = load_checkpoint(path)
        assert loaded.config == made.config and loaded.skeleton == made.skeleton
        state = loaded.network.state_dict()
        assert all(torch.equal(state[name], value) for name, value in made.network.state_dict().items())

    def test_its_weights_serve_as_initial_weights(self, saved):
        made, content, path = saved
        torch.save(content, path)
        assert load_weights(build(config()).network, path).shares["loaded"] == 1.0

    def test_bare_weights_are_told_what_they_are_good_for(self, saved):
        _, content, path = saved
        torch.save(content["state_dict"], path)
        with pytest.raises(CheckpointError, match=r"no checkpoint of dancepose-train.*model\.weights="):
            load_checkpoint(path)

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda c: c["state_dict"].pop("network.head.final_layers.0.bias"), "final_layers.0.bias"),
            (lambda c: c["dancepose"]["model"].update(dpeth=3), "dpeth"),
            (lambda c: c["dancepose"].pop("model"), "model"),
            (lambda c: c.update(dancepose=None), "does not fit"),
            (
                lambda c: set_test(c, {"test_size": "big"}),
                "test.test_size='big': a whole number",
            ),
            (
                lambda c: set_test(c, {"test_size": None}),
                "test.test_size=None: a whole number",
            ),
            (lambda c: set_test(c, {"scales": 3}), "test.scales=3: "),
            (lambda c: set_test(c, {"scales": ["1"]}), r"test.scales=\['1'\]: "),
            (lambda c: set_test(c, {"flip": "no"}), "test.flip='no': true or false"),
            (lambda c: set_test(c, {"precision": 7}), "test.precision=7: "),
            (lambda c: set_test(c, 3), "test=3: a group of keys"),
        ],
    )
    def test_does_not_fit_itself(self, saved, spoil, message):
        _, content, path = saved
        spoil(content)
        torch.save(content, path)
        with pytest.raises(CheckpointError, match=rf"last\.ckpt.*{message}"):
            load_checkpoint(path)

    def test_missing_and_truncated(self, saved):
        _, content, path = saved
        with pytest.raises(CheckpointError, match="there is no file"):
            load_checkpoint(path)
        torch.save(content, path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(CheckpointError, match="truncated"):
            load_checkpoint(path)
