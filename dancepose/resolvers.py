"""What `${...:}` may stand for in the shipped configuration."""

import secrets
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from dancepose.errors import ConfigError
from dancepose.metrics.direction import mode_of

MAIN_METRICS = {"pose": "val/mAP"}  # by model.network
OTHERWISE = "val/accuracy"  # of all networks that tell motions apart
TAGGED = ("experiment", "model", "model/attention", "data")
LONGEST_TAG = 64  # characters; W&B refuses longer ones


def register() -> None:
    """Make the resolvers known to OmegaConf; may be called again."""
    # our options of launchers and sweepers have the names of the plugins' own, and their types
    warnings.filterwarnings("ignore", message=r"\s*'hydra/\w+/\w+' is validated against ConfigStore schema")
    OmegaConf.register_new_resolver("run_name", _run_name, replace=True, use_cache=False)
    OmegaConf.register_new_resolver("main_metric", _main_metric, replace=True)
    OmegaConf.register_new_resolver("metric_mode", lambda metric: mode_of(str(metric)), replace=True)
    OmegaConf.register_new_resolver("run_tags", _run_tags, replace=True, use_cache=False)
    # cached: Hydra hands what they are in a sweep on to its jobs, in whatever process and on whatever machine
    for name, of_sweep in (("sweep_name", _sweep_name), ("varying", _varying), ("launch_id", _launch_id)):
        OmegaConf.register_new_resolver(name, of_sweep, replace=True, use_cache=True)
    OmegaConf.register_new_resolver("job_name", _job_name, replace=True)
    OmegaConf.register_new_resolver("comparison_dir", _comparison_dir, replace=True)
    OmegaConf.register_new_resolver("slurm_gpus", _gpus, replace=True)
    OmegaConf.register_new_resolver("ray_gpus", lambda *given: _gpus(*given) or 0, replace=True)
    OmegaConf.register_new_resolver("slurm_cpus", lambda workers: workers + 1, replace=True)


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


def _run_tags() -> list[str]:
    """Return what was chosen of the groups that tell one run from another, as tags of W&B."""
    from hydra.core.hydra_config import HydraConfig

    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    found = {group.rpartition("/")[2]: choices.get(group) for group in TAGGED}
    return [f"{word}={choice}"[:LONGEST_TAG] for word, choice in found.items() if choice]


def _sweep_name(
    given: str | None, choices: Mapping[str, Any], overrides: Sequence[str], params: Mapping[str, Any] | None
) -> str:
    """Name a sweep: what is given, else by experiment or model and its overrides."""
    from dancepose.sweeps.names import sweep_name

    if given is None:
        base = str(choices.get("experiment") or choices.get("model"))
        return sweep_name(base, list(overrides), params, _varying(overrides, params))
    name = str(given)
    if not name or "/" in name or name.startswith("."):
        raise ConfigError(f"sweep={name}: a folder's name is needed; where it lies is output=...")
    return name


def _varying(overrides: Sequence[str], params: Mapping[str, Any] | None) -> list[str]:
    """Return the keys by which the jobs of a sweep differ; of a job's own overrides: none."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from dancepose.sweeps.names import key_of

    given = [*overrides, *(f"{key}={value}" for key, value in (params or {}).items())]
    parsed = OverridesParser.create().parse_overrides(given)
    return [key_of(o) for o, override in zip(given, parsed, strict=True) if override.is_sweep_override()]


def _job_name(folder: str, overrides: Sequence[str], varying: Sequence[str]) -> str:
    from dancepose.sweeps.names import place

    return place(Path(folder), list(overrides), list(varying))


def _gpus(accelerator: str, devices: Any) -> Any:
    """Return how many GPUs a cluster is to give a job on each node; None for none."""
    return devices if accelerator in ("gpu", "cuda") else None


def _launch_id() -> str:
    """Return what tells this start of a sweep from others."""
    return secrets.token_hex(4)


def _comparison_dir(sweeps: Any, evaluation: str | None = None) -> str:
    """Return where a comparison is written: into the folder of its first sweep, if there is one."""
    first = sweeps if isinstance(sweeps, str) else next(iter(sweeps or ()), None)
    found = first is not None and Path(str(first)).is_dir()
    name = "comparison" if evaluation is None else f"comparison_{evaluation}"
    return str(Path(str(first)) / name) if found else f"outputs/{name}"
