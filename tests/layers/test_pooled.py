"""Pooling with backward passes of its own: the values and gradients of PyTorch's operations."""

import pytest
import torch

from dancepose.layers.pooled import channel_pools, space_mean


def plain_pools(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)


def plain_mean(x: torch.Tensor) -> torch.Tensor:
    return x.mean(tuple(range(2, x.dim())), keepdim=True)


def features(shape: tuple[int, ...], kind: torch.dtype, last: bool) -> torch.Tensor:
    """Rectified maps with ties: whole places of 0, and equal maxima of several channels."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).relu()
    x.flatten(2)[:, :, ::3] = 0.0
    x.flatten(2)[:, : shape[1] // 2, 1::3] = 5.0
    return x.to(kind).contiguous(memory_format=torch.channels_last) if last else x.to(kind)


@pytest.mark.parametrize(("ours", "plain"), [(channel_pools, plain_pools), (space_mean, plain_mean)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("shape", "last"), [((2, 6, 5, 4), True), ((2, 6, 5, 4), False), ((3, 6, 11), False)]
)
def test_values_and_gradients_are_those_of_plain_operations(ours, plain, kind, shape, last):
    given = features(shape, kind, last)
    results = []
    for function in (ours, plain):
        x = given.clone(memory_format=torch.preserve_format).requires_grad_()
        out = function(x)
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(kind)
        (gradient,) = torch.autograd.grad(out, x, weights)
        results.append((out.detach(), gradient))
    for mine, theirs in zip(*results, strict=True):
        assert mine.dtype == kind
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_gradients_have_the_format_of_the_features_or_are_views():
    x = features((2, 8, 6, 4), torch.float32, last=True).requires_grad_()
    (gradient,) = torch.autograd.grad(channel_pools(x).square().sum(), x)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(space_mean(x).square().sum(), x)
    assert gradient.stride()[2:] == (0, 0), "one number a channel, not a map"


@pytest.mark.parametrize("function", [channel_pools, space_mean])
def test_without_gradients_they_are_plain(function):
    x = features((2, 6, 5, 4), torch.float32, last=True)
    assert function(x).grad_fn is None
    with torch.no_grad():
        assert function(x.requires_grad_()).grad_fn is None
