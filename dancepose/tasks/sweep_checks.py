"""What no job of a sweep can be, refused before anything of it is run."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from dancepose.errors import ConfigError, did_you_mean
from dancepose.sweeps.ledger import Sweep, check_objective
from dancepose.targets import plain
from dancepose.tasks.run_directory import RunDirectory

RERUN = ("failed", "stale", "all")


def checked(cfg: DictConfig, hydra: Any, run: RunDirectory) -> dict[str, Any]:
    """Return a job's configuration, plain and settled.

    Args:
        cfg: as composed.
        hydra: Hydra's.
        run: the job's folder.

    Raises:
        ConfigError: no job of a sweep can be so.
    """
    if run.path.parent != Sweep(hydra.sweep.dir).path:
        raise ConfigError(f"hydra.sweep.subdir={hydra.sweep.subdir}: the name of one folder is needed")
    config = settled(plain(cfg))
    check_sweep(config, list(hydra.callbacks.sweep.varying))
    return config


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """Return a run's configuration as the run itself will write it down: with its precision settled."""
    if config["trainer"].get("precision") == "auto":
        from dancepose.inference.devices import settle_precision

        config["trainer"]["precision"] = settle_precision(config["trainer"])
    return config


def check_sweep(config: Mapping[str, Any], varying: Sequence[str]) -> None:
    """Refuse what a job of a sweep cannot be.

    Args:
        config: the job's, plain.
        varying: keys by which the jobs differ.

    Raises:
        ConfigError: names the key and the remedy.
    """
    if (rerun := config["rerun"]) is not None and rerun not in RERUN:
        hint = did_you_mean(str(rerun), list(RERUN))
        raise ConfigError(f"rerun={rerun}: give one of {', '.join(RERUN)}.{hint}")
    check_objective(config["objective"])
    if config["resume"]:
        raise ConfigError(
            f"resume={config['resume']}: not in a multirun (-m), whose jobs go on by themselves when the "
            "same command is given again"
        )
    if config["minutes"] is not None:
        raise ConfigError(
            f"minutes={config['minutes']}: not in a multirun (-m): its jobs would differ in length and could "
            "not be compared; give trainer.max_epochs"
        )
    if config["lr_find"]["steps"]:
        raise ConfigError(
            "lr_find: not in a multirun (-m): run the test once, then give its rate to the sweep"
        )
    _check_idle(config, varying)


def _check_idle(config: Mapping[str, Any], varying: Sequence[str]) -> None:
    """Refuse a sweep over a key that a motion network has no place for: its jobs would be one network."""
    if config["model"].get("network", "pose") == "pose":
        return
    from dancepose.build import motion_config

    model = motion_config(config["model"])
    for key in varying:
        name = key.replace("/", ".")
        if not any(f"{name}.".startswith(f"model.{idle}.") for idle in model.idle):
            continue
        branches = config["model"].get("branches")
        of, more = (
            (f" with branches {branches}", ", or add the branch that reads it") if branches else ("", "")
        )
        raise ConfigError(
            f"{key}: model.network={model.network}{of} has no place for it, so that the jobs of a sweep over "
            f"it would be the same network. Leave it out{more}"
        )
