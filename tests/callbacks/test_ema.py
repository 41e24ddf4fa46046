from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule

from dancepose.callbacks.ema import EMA, RAW
from dancepose.errors import ConfigError


class Tiny(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.norm = torch.nn.BatchNorm1d(2)


def run(ema, module, steps, trainer=None):
    """Move the weights by one in each step, as an optimizer would."""
    trainer = trainer or SimpleNamespace(global_step=0)
    ema.on_fit_start(trainer, module)
    ema.on_train_start(trainer, module)
    for _ in range(steps):
        with torch.no_grad():
            for tensor in module.state_dict().values():
                tensor += 1
        trainer.global_step += 1
        ema.on_train_batch_end(trainer, module, None, None, 0)
    return trainer


def test_the_average_follows_the_formula():
    module, ema = Tiny(), EMA(decay=0.9, warmup=2)
    expected = module.layer.weight.detach().clone()
    trainer = SimpleNamespace(global_step=0)
    ema.on_fit_start(trainer, module)
    ema.on_train_start(trainer, module)
    for step in range(30):
        with torch.no_grad():
            module.layer.weight += step
        trainer.global_step += 1
        ema.on_train_batch_end(trainer, module, None, None, 0)
        decay = min(0.9, (1 + step) / (3 + step))
        expected = decay * expected + (1 - decay) * module.layer.weight.detach()
    torch.testing.assert_close(ema._average["layer.weight"], expected)


def test_batches_without_an_optimizer_step_do_not_count():
    module, ema = Tiny(), EMA(decay=0.5)
    trainer = run(ema, module, 3)
    before = ema._average["layer.weight"].clone()
    ema.on_train_batch_end(trainer, module, None, None, 0)
    assert ema.updates == 3 and torch.equal(before, ema._average["layer.weight"])


def test_a_step_gathers_nothing(monkeypatch):
    """The tensors are those of the start; a validation in between leaves them in place."""
    module, other = Tiny(), Tiny()
    other.load_state_dict(module.state_dict())
    ema, wanted = EMA(decay=0.9), EMA(decay=0.9)
    run(wanted, other, 4)
    trainer = run(ema, module, 2)
    ema.on_validation_start(trainer, module)
    ema.on_validation_end(trainer, module)
    tensors = list(module.state_dict().values())
    with monkeypatch.context() as patched:
        patched.setattr(Tiny, "state_dict", lambda *_, **__: pytest.fail("gathered in a step"))
        for _ in range(2):
            with torch.no_grad():
                for tensor in tensors:
                    tensor += 1
            trainer.global_step += 1
            ema.on_train_batch_end(trainer, module, None, None, 0)
    assert not any(tensor.requires_grad for tensor in ema._average.values())
    for name, tensor in wanted._average.items():
        assert torch.equal(ema._average[name], tensor), name


def test_validation_sees_the_average_and_training_goes_on_with_the_raw():
    module, ema = Tiny(), EMA(decay=0.5)
    trainer = run(ema, module, 3)
    raw = module.layer.weight.detach().clone()
    ema.on_validation_start(trainer, module)
    assert not torch.equal(module.layer.weight, raw)
    during: dict = {"state_dict": {k: v.clone() for k, v in module.state_dict().items()}}
    ema.on_save_checkpoint(trainer, module, during)
    assert torch.equal(during[RAW]["layer.weight"], raw)
    ema.on_validation_end(trainer, module)
    assert torch.equal(module.layer.weight, raw)
    after: dict = {"state_dict": {k: v.clone() for k, v in module.state_dict().items()}}
    ema.on_save_checkpoint(trainer, module, after)
    assert torch.equal(after["state_dict"]["layer.weight"], during["state_dict"]["layer.weight"])
    assert int(after["state_dict"]["norm.num_batches_tracked"]) == 3, "counters are copied, not averaged"
    ema.on_fit_end(trainer, module)
    assert torch.equal(module.layer.weight, after["state_dict"]["layer.weight"])


def test_an_interrupted_validation_puts_the_raw_weights_back():
    module, ema = Tiny(), EMA(decay=0.5)
    trainer = run(ema, module, 2)
    raw = module.layer.weight.detach().clone()
    ema.on_validation_start(trainer, module)
    ema.on_exception(trainer, module, KeyboardInterrupt())
    assert torch.equal(module.layer.weight, raw)


def test_resume_goes_on_exactly():
    torch.manual_seed(0)
    whole, ema = Tiny(), EMA(decay=0.9)
    start = {k: v.clone() for k, v in whole.state_dict().items()}
    run(ema, whole, 6)
    first, half = Tiny(), EMA(decay=0.9)
    first.load_state_dict(start)
    trainer = run(half, first, 3)
    checkpoint: dict = {"state_dict": {k: v.clone() for k, v in first.state_dict().items()}}
    half.on_save_checkpoint(trainer, first, checkpoint)
    second, rest = Tiny(), EMA(decay=0.9)
    second.load_state_dict(checkpoint["state_dict"])
    rest.on_load_checkpoint(trainer, second, checkpoint)
    rest.load_state_dict(half.state_dict())
    run(rest, second, 3, trainer)
    for name, tensor in ema._average.items():
        assert torch.equal(tensor, rest._average[name]), name


def test_zero_switches_it_off_and_one_is_refused():
    module, ema = Tiny(), EMA(decay=0)
    trainer = run(ema, module, 2)
    checkpoint: dict = {"state_dict": module.state_dict()}
    ema.on_save_checkpoint(trainer, module, checkpoint)
    assert RAW not in checkpoint
    with pytest.raises(ConfigError, match="callbacks.ema.decay"):
        EMA(decay=1)
