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
    _check_attention(config, varying)


def _check_attention(config: Mapping[str, Any], varying: Sequence[str]) -> None:
    """Refuse a sweep over attentions in a network that has none: its jobs would be the same network."""
    network = config["model"].get("network", "pose")
    if network == "pose" or not any(
        f"{key.replace('/', '.')}.".startswith("model.attention.") for key in varying
    ):
        return
    from dancepose.build import motion_config

    if not motion_config(config["model"]).attends:
        raise ConfigError(
            f"model.network={network} with branches {config['model'].get('branches')} has no attention, so "
            "that the jobs of a sweep over attentions would be the same network. Leave model/attention out, "
            "or add the branch image"
        )
