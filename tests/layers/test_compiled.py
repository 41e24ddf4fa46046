"""`compile=true` makes kernels of its own: those of the paper's layers compute what the layers say."""

import shutil

import pytest
import torch

from dancepose.layers.attention import CBAM
from dancepose.layers.background import BackgroundBlock

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler (g++), which is absent"),
]


def test_a_background_block_with_attention_has_the_same_map_and_gradients(tmp_path, monkeypatch):
    """The whole network's kernels take minutes; its blocks are of these layers."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # made anew
    torch.manual_seed(0)
    block = BackgroundBlock(8, CBAM)
    features = torch.rand(2, 8, 12, 16)
    results = []
    for forward in (block, torch.compile(block, fullgraph=True)):
        block.zero_grad()
        inputs = features.clone().requires_grad_()
        output = forward(inputs)
        output.square().sum().backward()
        gradients = {name: p.grad.clone() for name, p in block.named_parameters() if p.grad is not None}
        results.append((output.detach(), inputs.grad, gradients))
    (plain, into_plain, of_plain), (made, into_made, of_made) = results
    torch.testing.assert_close(made, plain, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(into_made, into_plain, rtol=1e-4, atol=1e-4)
    assert of_made.keys() == of_plain.keys() and len(of_plain) > 10
    for name, gradient in of_plain.items():
        torch.testing.assert_close(of_made[name], gradient, rtol=1e-3, atol=1e-4, msg=name)
    assert list(tmp_path.rglob("*.cpp")), "kernels were made"
