"""Launchers and sweepers that come with an extra of the package, and what they are refused."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from dancepose.errors import ConfigError
from dancepose.metrics.direction import mode_of

# choice -> what it imports, and the extra that brings it
EXTRAS = {
    "hydra/launcher=submitit_slurm": ("hydra_plugins.hydra_submitit_launcher", "sweep"),
    "hydra/launcher=ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    "hydra/sweeper=optuna": ("hydra_plugins.hydra_optuna_sweeper", "optuna"),
}


def check_extras(choices: Mapping[str, Any]) -> None:
    """Refuse a launcher or sweeper whose extra is not installed.

    Args:
        choices: Hydra's, group -> option.

    Raises:
        ConfigError: names the extra; or the launcher would give all jobs the same devices.
    """
    if choices.get("hydra/launcher") == "joblib":
        raise ConfigError(
            "hydra/launcher=joblib: its jobs would share every GPU and thread; give hydra/launcher=pool, "
            "which lends each job its own"
        )
    for group in ("hydra/launcher", "hydra/sweeper"):
        choice = f"{group}={choices.get(group)}"
        module, extra = EXTRAS.get(choice, ("", ""))
        if module and find_spec(module) is None:
            raise ConfigError(
                f"{choice} needs {module.rpartition('.')[2]}, which is not installed: "
                f"python -m pip install -c requirements.lock.txt -e '.[{extra}]'"
            )


def check_dry_run(config: Any) -> None:
    """Refuse a dry run of a sweeper that chooses its jobs as it goes.

    Args:
        config: of the sweep, with the node `hydra`.

    Raises:
        ConfigError: says why, and what to do.
    """
    if getattr(config, "dry_run", False) and "BasicSweeper" not in str(config.hydra.sweeper.get("_target_")):
        choice = f"hydra/sweeper={config.hydra.runtime.choices.get('hydra/sweeper')}"
        raise ConfigError(
            f"dry_run=true: not with {choice}, which chooses each job by the results of those before; leave "
            f"{choice} out and give one value of each key"
        )


def check_direction(config: Any) -> None:
    """Refuse an Optuna that looks for the worst; its own default is to minimize.

    Args:
        config: of the sweep, with the node `hydra`.

    Raises:
        ConfigError: names both keys.
    """
    if config.hydra.runtime.choices.get("hydra/sweeper") != "optuna":
        return
    direction = getattr(config.hydra.sweeper.direction, "name", config.hydra.sweeper.direction)
    mode = mode_of(str(config.objective))
    if isinstance(direction, str) and direction != f"{mode}imize":
        raise ConfigError(
            f"hydra.sweeper.direction={direction}, but of {config.objective} the {mode}imum is the best: "
            f"give hydra.sweeper.direction={mode}imize"
        )
