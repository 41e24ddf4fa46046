"""Which family a configuration trains."""

from collections.abc import Mapping
from typing import Any

from dancepose.build import ModelConfig, model_config
from dancepose.tasks.family import Family
from dancepose.tasks.motion_family import MotionFamily
from dancepose.tasks.pose_family import PoseFamily

FAMILIES: dict[str, type[Family]] = {family.name: family for family in (PoseFamily, MotionFamily)}


def family_of(config: Mapping[str, Any]) -> Family:
    """Return the family of a run's configuration, by `model.network`.

    Raises:
        ConfigError: there is no such network.
    """
    poses = isinstance(model_config(config["model"]), ModelConfig)
    return (PoseFamily if poses else MotionFamily)()
