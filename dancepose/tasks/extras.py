"""Launchers and sweepers that come with an extra of the package."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from dancepose.errors import ConfigError

# choice -> what it imports, and the extra that brings it
EXTRAS = {
    "hydra/launcher=pool": ("joblib", "sweep"),
    "hydra/launcher=joblib": ("joblib", "sweep"),
    "hydra/launcher=submitit_slurm": ("hydra_plugins.hydra_submitit_launcher", "sweep"),
    "hydra/launcher=ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    "hydra/sweeper=optuna": ("hydra_plugins.hydra_optuna_sweeper", "optuna"),
}


def check_extras(choices: Mapping[str, Any]) -> None:
    """Refuse a launcher or sweeper whose extra is not installed.

    Args:
        choices: Hydra's, group -> option.

    Raises:
        ConfigError: names the extra.
    """
    for group in ("hydra/launcher", "hydra/sweeper"):
        choice = f"{group}={choices.get(group)}"
        module, extra = EXTRAS.get(choice, ("", ""))
        if module and find_spec(module) is None:
            raise ConfigError(
                f"{choice} needs {module.rpartition('.')[2]}, which is not installed: "
                f"python -m pip install 'dancepose[{extra}]'"
            )
