from types import SimpleNamespace

import pytest
import torch
from torch import nn

from dancepose.callbacks import summary
from dancepose.callbacks.summary import Summary


@pytest.mark.parametrize(
    ("device", "long", "told"), [("cpu", 1e5, True), ("cpu", 1e9, False), ("cuda", 1, False)]
)
def test_a_step_that_takes_a_cpu_long_is_told_before_it_begins(device, long, told, monkeypatch, caplog):
    """A convolution of 3 x 3 x 3 x 4 on 8 x 8 pixels has 6,912 multiply-adds; a step of six is 18 of it."""
    monkeypatch.setattr(summary, "LONG", long)
    caplog.set_level("INFO")
    trainer = SimpleNamespace(
        is_global_zero=True,
        datamodule=SimpleNamespace(size=8, batch_size=6),
        strategy=SimpleNamespace(root_device=torch.device(device)),
    )
    Summary().on_fit_start(trainer, SimpleNamespace(network=nn.Conv2d(3, 4, 3, padding=1, bias=False)))
    assert ("a step of 6 images" in caplog.text and "dry_run=true" in caplog.text) == told
    assert "MMACs at 8 x 8" in caplog.text
