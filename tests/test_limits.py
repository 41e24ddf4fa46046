import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from dancepose.config_keys import dotted_keys
from dancepose.errors import ConfigError
from dancepose.limits import LIMITS, check_limits
from dancepose.paths import config_dir


def values(override: str) -> dict:
    """Return the nested mapping that an override makes."""
    parsed = OverridesParser.create().parse_override(override)
    found = parsed.value()
    for word in reversed(parsed.key_or_group.split(".")):
        found = {word: found}
    return found


@pytest.mark.parametrize(
    "override, words",
    [
        ("optimizer.lr=-1", "optimizer.lr=-1: it must be at least 0"),
        ("optimizer.lr=nan", "optimizer.lr=nan: it must be at least 0"),
        ("optimizer.lr=inf", "optimizer.lr=inf: it must be at least 0"),
        ("optimizer.weight_decay=-0.1", "optimizer.weight_decay=-0.1: it must be at least 0"),
        ("optimizer.betas=[0.9,1]", r"optimizer.betas=\[0.9, 1\]: it must be two numbers from 0 to below 1"),
        ("optimizer.betas=[0.9]", r"optimizer.betas=\[0.9\]: it must be two numbers"),
        ("optimizer.momentum=-1", "optimizer.momentum=-1: it must be from 0 to below 1"),
        ("optimizer.alpha=2", "optimizer.alpha=2: it must be from 0 to below 1"),
        ("scheduler.gamma=0", "scheduler.gamma=0: it must be above 0"),
        ("scheduler.milestones=[5,3]", r"scheduler.milestones=\[5, 3\]: it must be numbers that rise"),
        ("scheduler.milestones=[-1,3]", "scheduler.milestones"),
        ("scheduler.warmup=-1", "scheduler.warmup=-1"),
        ("trainer.max_epochs=-5", "trainer.max_epochs=-5: it must be at least 0, or -1 for no end"),
        ("trainer.max_steps=-2", "trainer.max_steps=-2"),
        ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: it must be at least 1"),
        ("trainer.gradient_clip_val=-1", "trainer.gradient_clip_val=-1"),
        ("trainer.check_val_every_n_epoch=0", "trainer.check_val_every_n_epoch=0"),
        ("trainer.limit_val_batches=-1", "trainer.limit_val_batches=-1"),
        ("data.val=-0.1", "data.val=-0.1: it must be at least 0"),
        ("callbacks.ema.decay=1", "callbacks.ema.decay=1: it must be from 0 to below 1"),
        ("callbacks.early_stop.patience=-1", "callbacks.early_stop.patience=-1: it must be at least 1"),
        ("callbacks.pictures.every=0", "callbacks.pictures.every=0"),
        ("callbacks.curves.every=0", "callbacks.curves.every=0"),
        ("inference.scales=[0]", r"inference.scales=\[0\]: it must be positive numbers, 1 among them"),
        ("inference.scales=[]", r"inference.scales=\[\]: it must be"),
        ("inference.scales=[1,-2]", r"inference.scales=\[1, -2\]: it must be"),
        ("inference.scales=[0.5]", r"inference.scales=\[0.5\]: .*1 among them"),
    ],
)
def test_an_impossible_number_is_refused_by_its_key(override, words):
    with pytest.raises(ConfigError, match=f"^{words}"):
        check_limits(values(override))


@pytest.mark.parametrize(
    "override",
    [
        *("trainer.max_epochs=-1", "trainer.max_epochs=0", "trainer.max_epochs=null", "optimizer.lr=0"),
        *("scheduler.milestones=[]", "data.val=none", "data.val=0", "inference.scales=[1,0.5]", "logger={}"),
        *("trainer=null", "scales=null", "seed=4294967295", "callbacks.early_stop.patience=null"),
    ],
)
def test_a_number_at_its_limit_passes(override):
    check_limits(values(override))


def test_every_limit_is_of_a_shipped_key():
    """But for arguments of Lightning's trainer, which can be added."""
    keys = set()
    for name, group, options in (
        ("train", "optimizer", ["adam", "rmsprop", "sgd"]),
        ("train", "scheduler", ["multistep", "cosine"]),
        ("train", "callbacks", ["motion"]),
        ("evaluate", "skeleton", ["coco17"]),
    ):
        for option in options:
            with initialize_config_dir(str(config_dir()), version_base="1.3"):
                cfg = compose(name, overrides=[f"{group}={option}"])
            keys |= set(dotted_keys(OmegaConf.to_container(cfg, resolve=False)))
    assert {key for key in LIMITS if not key.startswith("trainer.limit_")} <= keys


@pytest.mark.parametrize("precision", ["bf16-true", "16-true", "64-true", 64])
def test_a_precision_that_would_cast_the_targets_is_refused(precision):
    with pytest.raises(ConfigError, match=rf"^trainer\.precision={precision}: .*bf16-mixed"):
        check_limits({"trainer": {"precision": precision}})


@pytest.mark.parametrize("precision", ["auto", 32, "32-true", 16, "16-mixed", "bf16", "bf16-mixed", None])
def test_other_precisions_pass(precision):
    check_limits({"trainer": {"precision": precision}})


@pytest.mark.parametrize(
    "precision, clip, fused, refused",
    [
        ("16-mixed", 1.0, True, True),
        ("16-mixed", None, True, False),
        ("bf16-mixed", 1.0, True, False),
        ("16-mixed", 1.0, False, False),
    ],
)
def test_a_fused_optimizer_cannot_be_clipped_in_half_precision(precision, clip, fused, refused):
    given = {"optimizer": {"fused": fused}, "trainer": {"precision": precision, "gradient_clip_val": clip}}
    if refused:
        with pytest.raises(ConfigError, match=r"optimizer\.fused=false"):
            check_limits(given)
    else:
        check_limits(given)
