"""From keys to an attention."""

import pytest
import torch
from torch import nn

from dancepose.attentions import ATTENTIONS, AttentionConfig
from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM


@pytest.mark.parametrize("order", ATTENTIONS)
@pytest.mark.parametrize("dim", [1, 2])
def test_make(order, dim):
    made = AttentionConfig(order, reduction=4, kernel=5, spatial_norm="batch").make(dim=dim)(16)
    x = torch.randn(2, 16, *[9] * dim, generator=torch.Generator().manual_seed(0))
    assert made(x).shape == x.shape
    if order == "none":
        assert isinstance(made, nn.Identity)
    else:
        assert isinstance(made, CBAM) and made.order == order
        assert made.channel.mlp[0].out_channels == 4 and made.spatial.conv.kernel_size == (5,) * dim


@pytest.mark.parametrize(("own", "default", "wanted"), [(None, 2.0, 2.0), (None, 1.0, 1.0), (1.5, 2.0, 1.5)])
def test_the_scale_of_the_gates(own, default, wanted):
    made = AttentionConfig("cbam1", gate_scale=own).make(scale=default)(8)
    assert made.channel.scale == made.spatial.scale == wanted


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "cbm1"}, r"order=cbm1.*'cbam1'"),
        ({"reduction": 0}, "reduction=0"),
        ({"kernel": 6}, "kernel=6.*odd"),
        ({"spatial_norm": "layer"}, "spatial_norm=layer"),
        ({"gate_scale": 0.0}, "gate_scale=0.0"),
    ],
)
def test_wrong_values_are_told(wrong, message):
    with pytest.raises(ConfigError, match=rf"model\.attention\.{message}"):
        AttentionConfig(**wrong)
