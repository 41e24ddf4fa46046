import pytest
import torch

from dancepose.layers.init import initialise
from dancepose.networks.densenet import DenseNet, layers_per_block


def test_shape_and_gradients():
    network = DenseNet(5, depth=7, growth=4)
    initialise(network, 0, "kaiming")
    logits = network(torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8))
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(("depth", "growth"), [(7, 4), (16, 12), (28, 12)])
def test_parameters_are_those_of_the_definition(depth, growth):
    channels, count, layers = 16, 3 * 16 * 9, (depth - 4) // 3
    for block in range(3):
        if block:
            count += 2 * channels + channels * channels
        for _ in range(layers):
            count += 2 * channels + channels * growth * 9
            channels += growth
    count += 2 * channels + channels * 6 + 6
    assert sum(p.numel() for p in DenseNet(6, depth, growth).parameters()) == count


def test_a_layer_keeps_what_came_before():
    layer = DenseNet(2, depth=7, growth=4).eval().features[1]
    x = torch.randn(2, 16, 8, 8)
    joined = layer(x.clone())
    assert joined.shape == (2, 20, 8, 8)
    torch.testing.assert_close(joined[:, :16], x)


def test_bytes_are_the_same_as_floats_from_minus_1_to_1():
    network = DenseNet(4, depth=7, growth=4).eval()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    torch.testing.assert_close(network(images), network(images.float() / 255 * 2 - 1))


@pytest.mark.parametrize("depth", [4, 8, 15, 0, -2])
def test_depths_that_do_not_exist(depth):
    with pytest.raises(ValueError, match=f"depth={depth}: it must be 3 n"):
        layers_per_block(depth)


def test_dropout_in_training_alone():
    network = DenseNet(4, depth=7, growth=4, dropout=0.5)
    image = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    torch.manual_seed(0)
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))
