"""What `${...:}` may stand for in the shipped configuration."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

MAIN_METRICS = {"pose": "val/mAP"}  # by model.network
OTHERWISE = "val/accuracy"  # of all networks that tell motions apart


def register() -> None:
    """Make the resolvers known to OmegaConf; may be called again."""
    OmegaConf.register_new_resolver("run_name", _run_name, replace=True, use_cache=False)
    OmegaConf.register_new_resolver("main_metric", _main_metric, replace=True)
    OmegaConf.register_new_resolver("comparison_dir", _comparison_dir, replace=True)


def _run_name() -> str:
    """Name a run after its experiment, else its model: the default of the key `name`."""
    from hydra.core.hydra_config import HydraConfig

    if not HydraConfig.initialized():
        return "run"
    choices = HydraConfig.get().runtime.choices
    return str(choices.get("experiment") or choices.get("model") or HydraConfig.get().job.config_name)


def _main_metric(network: str) -> str:
    """Return what decides on best.ckpt and what a sweep optimises, if nothing is said."""
    return MAIN_METRICS.get(network, OTHERWISE)


def _comparison_dir(sweeps: Any) -> str:
    """Return where a comparison is written: into the folder of its first sweep, if there is one."""
    first = sweeps if isinstance(sweeps, str) else next(iter(sweeps or ()), None)
    found = first is not None and Path(str(first)).is_dir()
    return str(Path(str(first)) / "comparison") if found else "outputs/comparison"
