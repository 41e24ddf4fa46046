"""The classifier of clips: shapes for any number of frames, and attention over time."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dancepose.errors import DataError
from dancepose.layers.attention import CBAM, ORDERS
from dancepose.layers.init import initialise
from dancepose.networks.cost import count_macs_of
from dancepose.networks.motion_1d import MotionNetwork1d, ResidualModule1d

FEATURES, CLASSES = 10, 4


def network(**settings) -> MotionNetwork1d:
    made = MotionNetwork1d(CLASSES, FEATURES, **{"width": 8, "channels": (8, 16), **settings})
    initialise(made, 0, "kaiming")
    return made.eval()


def clips(frames: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, frames, FEATURES, generator=torch.Generator().manual_seed(0))


class TestStructure:
    @settings(max_examples=15)
    @given(frames=st.integers(4, 70))
    @torch.no_grad()
    def test_any_number_of_frames(self, frames):
        logits = NETWORK(sequence=clips(frames))
        assert logits.shape == (2, CLASSES) and logits.isfinite().all()

    @pytest.mark.parametrize("frames", [0, 1, 3])
    def test_too_few_frames_are_told(self, frames):
        with pytest.raises(DataError, match=f"{frames} frames is too short: 4 at least"):
            NETWORK(sequence=clips(frames))

    @torch.no_grad()
    def test_the_last_frame_counts_whatever_their_number(self):
        for frames in (5, 6, 7, 9):
            x = clips(frames)
            y = x.clone()
            y[:, -1] += 10
            assert not torch.equal(NETWORK(sequence=x), NETWORK(sequence=y))

    def test_that_of_the_paper(self):
        made = MotionNetwork1d(6, 18)
        assert made.inputs == ("sequence",)
        convolutions = [m for m in made.modules() if isinstance(m, nn.Conv1d)]
        shapes = [tuple(m.weight.shape) for m in convolutions if m.kernel_size == (3,)]
        assert shapes == [(64, 18, 3), (16, 16, 3), (32, 32, 3), (64, 64, 3)]
        assert sum(isinstance(m, nn.MaxPool1d) for m in made.modules()) == 2
        linear = [(m.in_features, m.out_features) for m in made.modules() if isinstance(m, nn.Linear)]
        assert linear == [(256, 256), (256, 128), (128, 6)]

    @pytest.mark.parametrize("inputs", [8, 12])
    @torch.no_grad()
    def test_residual_module(self, inputs):
        module = ResidualModule1d(inputs, 8, kernel=5)
        initialise(module, 0, "kaiming")
        module.eval()
        x = torch.randn(2, inputs, 9, generator=torch.Generator().manual_seed(0))
        conv1, bn1, _, conv2, bn2, _, conv3, bn3 = module.residual
        assert conv1.weight.shape == (2, inputs, 1) and conv2.weight.shape == (2, 2, 5)
        inner = F.relu(bn2(F.conv1d(F.relu(bn1(F.conv1d(x, conv1.weight))), conv2.weight, padding=2)))
        wanted = bn3(F.conv1d(inner, conv3.weight)) + (x if inputs == 8 else module.shortcut(x))
        torch.testing.assert_close(module(x), F.relu(wanted))


class TestAttention:
    def test_orders_cost_the_same_and_differ(self):
        made = {o: network(attention=partial(CBAM, order=o, reduction=4, dim=1)) for o in ORDERS}
        x = clips(24)
        for each in made.values():
            for number, parameter in enumerate(each.attention.parameters()):
                nn.init.normal_(parameter, 0, 0.5, torch.Generator().manual_seed(number))
        macs = [count_macs_of(each, sequence=x) for each in made.values()]
        assert macs[0] == macs[1] == macs[2] and macs[0]["attention"] > 0
        states = [{k: v.shape for k, v in each.state_dict().items()} for each in made.values()]
        assert states[0] == states[1] == states[2]
        with torch.no_grad():
            trained = [each.train() for each in made.values()]  # with the batch's statistics
            outputs = [each.attention(each.blocks(each.stem(x.transpose(1, 2)))) for each in trained]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert not torch.allclose(outputs[a], outputs[b], rtol=1e-2)

    @torch.no_grad()
    def test_none_is_the_plain_network(self):
        with_attention = network(attention=partial(CBAM, dim=1)).state_dict()
        plain = network()
        assert plain.state_dict().keys() == {n for n in with_attention if not n.startswith("attention.")}
        assert all(torch.equal(with_attention[n], v) for n, v in plain.state_dict().items())


NETWORK = network()
