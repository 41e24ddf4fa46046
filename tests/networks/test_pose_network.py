"""The whole pose network: parity with the published ones, input, head."""

import json
from functools import partial

import pytest
import torch
from torch import nn

from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM
from dancepose.layers.init import initialise
from dancepose.layers.pixels import IMAGENET_MEAN, IMAGENET_STD
from dancepose.networks.hrnet import HRNet
from dancepose.networks.pose import Head, PoseNetwork
from dancepose.networks.weights import own_name

SINGLE, HIGHER = [34], [34, 17]
IMPROVED = {
    "stem": "pyramid",
    "context": "background",
    "attention": partial(CBAM, order="cbam0", gate_scale=2.0),
}


def network(
    channels: list[int], width: int = 8, dropout: float = 0.0, seed: int = 0, **settings
) -> PoseNetwork:
    made = PoseNetwork(HRNet(width, **settings), Head(width, channels, dropout))
    if not next(made.parameters()).is_meta:
        initialise(made, seed, scheme="kaiming")
    return made


def images(batch: int = 1, height: int = 64, width: int = 96) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, 3, height, width), generator=generator, dtype=torch.uint8)


def settled(made: PoseNetwork) -> PoseNetwork:
    """Take the running statistics from one pass, or an untrained network in eval mode explodes."""
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        made.train()(images())
    return made.eval()


class TestPublished:
    @pytest.mark.shared
    @pytest.mark.parametrize(("name", "channels"), [("hrnet_ae_w8", SINGLE), ("higherhrnet_w8", HIGHER)])
    def test_state_dict_loads_and_outputs_agree(self, golden, name, channels):
        arrays = golden(name)
        made = network(channels)
        own = made.state_dict().keys()
        state = {own_name(k[3:], own): torch.as_tensor(v) for k, v in arrays.items() if k.startswith("sd.")}
        made.load_state_dict(state)  # strictly: nothing missing, nothing left over
        with torch.no_grad():
            maps = made.eval()(torch.from_numpy(arrays["input"]))
        assert len(maps) == len(channels)
        for i, out in enumerate(maps):
            torch.testing.assert_close(out, torch.from_numpy(arrays[f"out{i}"]), rtol=0, atol=1e-4)

    @pytest.mark.shared
    def test_names_and_shapes_at_full_width(self, shared):
        published = json.loads((shared / "golden" / "statedict_higherhrnet_w32.json").read_text())
        with torch.device("meta"):
            ours = network(HIGHER, width=32).state_dict()
        assert {own_name(k, ours): v for k, v in published.items()} == {
            k: list(v.shape) for k, v in ours.items()
        }

    @pytest.mark.parametrize(
        ("width", "channels", "wanted"),
        [(32, [30], 28_536_542), (32, [30, 15], 28_643_085), (48, [30, 15], 63_823_773)],
    )
    def test_parameter_counts(self, width, channels, wanted):
        with torch.device("meta"):
            made = network(channels, width)
        assert sum(p.numel() for p in made.parameters()) == wanted


class TestInput:
    @pytest.fixture
    def made(self) -> PoseNetwork:
        return settled(network(HIGHER))

    @torch.no_grad()
    def test_bytes_are_normalised_and_floats_are_taken_as_they_are(self, made):
        raw = images()
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        for a, b in zip(made(raw), made((raw / 255 - mean) / std), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    @torch.no_grad()
    def test_shapes(self, made):
        coarse, fine = made(images(2, 32, 96))
        assert coarse.shape == (2, 34, 8, 24) and fine.shape == (2, 17, 16, 48)

    @pytest.mark.parametrize(
        ("size", "padded"), [((480, 640), None), ((481, 640), "640 x 512"), ((30, 95), "96 x 32")]
    )
    def test_a_size_that_does_not_fit_is_told_what_to_pad_to(self, size, padded):
        made = PoseNetwork(nn.Identity(), Head(3, [2], blocks=0))
        if padded is None:
            made(images(1, *size))
        else:
            with pytest.raises(ConfigError, match=f"divisible by 32.*{padded}"):
                made(images(1, *size))

    def test_normalisation_is_no_weight(self, made):
        assert not {"mean", "std"} & {name.split(".")[-1] for name in made.state_dict()}

    @torch.no_grad()
    def test_channels_last_changes_nothing(self):
        made, raw = settled(network(HIGHER, **IMPROVED)), images()
        wanted = made(raw)
        made = made.to(memory_format=torch.channels_last)
        for a, b in zip(made(raw.contiguous(memory_format=torch.channels_last)), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)

    def test_bfloat16_autocast_trains(self):
        made = network(HIGHER, **IMPROVED).train()
        with torch.autocast("cpu", torch.bfloat16):
            maps = made(images())
        sum(m.float().square().mean() for m in maps).backward()
        assert all(torch.isfinite(p.grad).all() for p in made.parameters())


class TestHead:
    def test_second_scale_reads_features_and_predictions(self):
        head = Head(4, [6, 3]).eval()
        initialise(head, 0, "kaiming")
        features = torch.randn(1, 4, 5, 7)
        coarse, fine = head(features)
        torch.testing.assert_close(coarse, head.final_layers[0](features))
        raised = head.deconv_layers[0](torch.cat([features, coarse], 1))
        assert raised.shape == (1, 4, 10, 14)
        torch.testing.assert_close(fine, head.final_layers[1](raised))

    def test_a_third_scale(self):
        assert [m.shape[2:] for m in Head(4, [6, 3, 2])(torch.randn(1, 4, 4, 4))] == [
            (4, 4),
            (8, 8),
            (16, 16),
        ]

    @pytest.mark.parametrize("training", [True, False])
    def test_dropout_drops_whole_channels_in_front_of_every_prediction(self, training):
        head, seen = Head(64, [2, 3], dropout=0.5).train(training), []
        ones = nn.ConvTranspose2d(66, 64, 2, stride=2)
        nn.init.zeros_(ones.weight)
        nn.init.ones_(ones.bias)
        head.deconv_layers[0] = ones
        for layer in head.final_layers:
            layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        torch.manual_seed(0)
        head(torch.ones(1, 64, 4, 4))
        for features in seen:
            dropped = (features == 0).all((2, 3)).sum()
            assert (dropped > 10) == training and dropped == (features[:, :, 0, 0] == 0).sum()

    def test_without_dropout_there_is_none(self):
        assert not any(isinstance(m, nn.Dropout2d) for m in Head(16, [2]).modules())

    def test_first_maps_are_almost_empty(self):
        made = PoseNetwork(HRNet(8), Head(8, HIGHER)).eval()
        initialise(made, 0)
        with torch.no_grad():
            assert all(m.abs().max() < 0.05 for m in made(images()))


class TestSwitches:
    """Networks that differ in one switch start from equal weights wherever they share a layer."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({}, {"stem": "pyramid"}),
            ({}, {"context": "background"}),
            ({}, {"attention": CBAM}),
            ({}, {"attention": CBAM, "placement": "block"}),
            ({"attention": CBAM}, {"attention": partial(CBAM, order="cbam2")}),
        ],
    )
    def test_backbone(self, one, other):
        a, b = network(SINGLE, **one).state_dict(), network(SINGLE, **other).state_dict()
        assert all(torch.equal(a[name], b[name]) for name in a.keys() & b.keys())
        assert len(a.keys() & b.keys()) >= len(network(SINGLE).state_dict())

    def test_global_norm(self):
        """All but the start of the norms themselves, which are no layer that both share."""
        a, b = (
            network(SINGLE, context="background", global_norm=norm).state_dict()
            for norm in ("layer", "batch")
        )
        differ = {name for name in a.keys() & b.keys() if not torch.equal(a[name], b[name])}
        norms = {name.removesuffix(".running_mean") for name in b.keys() - a.keys() if "running_mean" in name}
        assert norms and differ == {f"{name}.bias" for name in norms}

    def test_head(self):
        single, higher = network(SINGLE).state_dict(), network(HIGHER).state_dict()
        assert all(torch.equal(value, higher[name]) for name, value in single.items())


@pytest.mark.parametrize("settings", [{}, IMPROVED], ids=["plain", "improved"])
def test_one_image_trains_every_parameter(settings):
    made = network(HIGHER, **settings).train()
    sum(m.square().mean() for m in made(images())).backward()
    for name, parameter in made.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name


def test_compiling_in_place_keeps_the_names():
    made = network(SINGLE)
    names = list(made.state_dict())
    made.compile()  # lazy: nothing is compiled until it is called
    assert list(made.state_dict()) == names
