"""The counted cost of networks, against PyTorch's own counter at the full size."""

from functools import partial

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM
from dancepose.networks.cost import count_macs, count_macs_of, count_parameters
from dancepose.networks.hrnet import HRNet
from dancepose.networks.motion import ImageBranch, KeypointBranch, MotionNetwork
from dancepose.networks.pose import Head, PoseNetwork
from dancepose.networks.qes import ORIENTATION, QesNetwork
from dancepose.networks.resnet import ResNet

CBAM_2 = partial(CBAM, order="cbam0", gate_scale=2.0)
VARIANTS = {
    "hrnet": ({}, [34]),
    "higherhrnet": ({}, [34, 17]),
    "improved": ({"stem": "pyramid", "context": "background", "attention": CBAM_2}, [34, 17]),
    "attention in blocks": ({"attention": CBAM_2, "placement": "block"}, [34]),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
def test_operations_are_those_of_a_pass_at_that_size(name, size):
    settings, channels = VARIANTS[name]
    network = PoseNetwork(HRNet(8, **settings), Head(8, channels)).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, *size))
    macs = count_macs(network, size)
    assert macs[""] == counter.get_total_flops() // 2
    assert macs[""] == macs["backbone"] + macs["head"]
    assert macs["backbone"] == sum(
        n for part, n in macs.items() if part.count(".") == 1 and "backbone" in part
    )


def test_half_precision_is_counted_too():
    network = PoseNetwork(HRNet(8), Head(8, [34]))
    assert count_macs(network.bfloat16(), (64, 64)) == count_macs(network.float(), (64, 64))


@pytest.mark.parametrize("size", [(64, 64), (224, 224)])
def test_operations_on_several_inputs(size):
    branches = {"keypoints": KeypointBranch(10), "image": ImageBranch(ResNet(18, 8, CBAM, "block"))}
    network = MotionNetwork(4, branches).eval()
    inputs = {"features": torch.zeros(3, 10), "image": torch.zeros(3, 3, *size)}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(**inputs)
    macs = count_macs_of(network, **inputs)
    assert macs[""] == counter.get_total_flops() // 2 == macs["branches"] + macs["fusion"]
    alone = count_macs(network.branches["image"].resnet, size)
    assert macs["branches.image.resnet"] == 3 * alone[""]


def test_the_network_is_left_as_it_was():
    network = PoseNetwork(HRNet(8), Head(8, [34])).train()
    network.head.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_macs(network, (64, 64))
    assert network.training and network.backbone.training and not network.head.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_parameters_of_the_parts_add_up():
    network = PoseNetwork(HRNet(8), Head(8, [34, 17]))
    parameters = count_parameters(network)
    assert parameters[""] == sum(p.numel() for p in network.parameters())
    assert parameters[""] == parameters["backbone"] + parameters["head"]


def test_distances_to_centres_count_and_need_no_fit():
    """9-15-3, then 3 groups x 4 classes x 2 centres of 6 numbers each, on two samples."""
    network, inputs = QesNetwork(6, 4, groups=3, postures=2), torch.zeros(2, ORIENTATION + 12)
    macs = count_macs_of(network, torso_frame=inputs)
    assert macs["mlp"] == 2 * (9 * 15 + 15 * 3) and macs[""] == macs["mlp"] + 2 * 3 * 4 * 2 * 6
    assert not network.fitted and not network.centres.any()
    with pytest.raises(ConfigError, match="no centres yet"):
        network(inputs)
