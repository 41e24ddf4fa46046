"""Launchers: Hydra takes plugins from this package alone. What they do is in `dancepose.tasks`."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from dancepose.interrupt import in_order


class _WithSettings(Launcher):
    """Keeps what Hydra gives a launcher.

    Args:
        settings: its node, without `_target_`.
    """

    def __init__(self, **settings: Any):
        self.settings = {
            key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for key, value in settings.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra gives a launcher."""
        self.context, self.task, self.config = hydra_context, task_function, config


class PoolLauncher(_WithSettings):
    """Runs jobs side by side on this machine (`dancepose.tasks.pool`)."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run all jobs; return what came of each, in their order."""
        from dancepose.tasks.pool import launch

        in_order()
        return launch(self, job_overrides, initial_job_idx)


class SlurmLauncher(_WithSettings):
    """Has Slurm run jobs (`dancepose.tasks.slurm`)."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Submit all jobs and wait for them; return what came of each, in their order."""
        from dancepose.tasks.slurm import launch

        in_order()
        return launch(self, job_overrides, initial_job_idx)
