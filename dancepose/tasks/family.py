"""What a training does in the way of its family, poses or motions; all else is `train.py`'s, once."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch import Trainer

from dancepose.errors import ConfigError, did_you_mean
from dancepose.metrics.direction import mode_of
from dancepose.targets import instantiate, locate
from dancepose.tasks.network_task import NetworkTask
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)


class Family(ABC):
    """Poses, or motions.

    Attributes:
        name: what a data module says in `feeds`.
        instead: what to say on the command line to get data of this family.
    """

    name: ClassVar[str]
    instead: ClassVar[str]

    @abstractmethod
    def metric_names(self, config: Mapping[str, Any]) -> list[str]:
        """Return the metrics of a validation that may decide, in the order in which they are told."""

    @abstractmethod
    def data_arguments(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a data module of this family is given besides its node."""

    @abstractmethod
    def make_task(self, build: dict[str, Any], config: Mapping[str, Any], datamodule: Any) -> NetworkTask:
        """Make the task.

        Args:
            build: model, skeleton and seed, as `build.build` takes them.
            config: the run's, plain.
            datamodule: its data.
        """

    def task(self, config: Mapping[str, Any], datamodule: Any, resumed: bool) -> NetworkTask:
        """Make the task; the checkpoint of a resumed run replaces the weights from which it once started."""
        weights = config["model"].get("weights")
        model = {**config["model"], "weights": None if resumed else weights}
        build = {"model": model, "skeleton": config["skeleton"], "seed": config["seed"]}
        task = self.make_task(build, config, datamodule)
        task.build_config["model"]["weights"] = weights
        return task

    @abstractmethod
    def warnings(self, datamodule: Any) -> list[str]:
        """Return what is to be said of the data before a training, grave enough to be looked at."""

    def warn(self, datamodule: Any) -> None:
        """Log what is to be said of the data before a training, each as a warning; they have been read."""
        for words in filter(
            None, (datamodule.problems.slips(), *datamodule.leaks, *self.warnings(datamodule))
        ):
            log.warning("%s", words)

    @abstractmethod
    def report(
        self,
        config: Mapping[str, Any],
        trainer: Trainer,
        task: Any,
        datamodule: Any,
        run: RunDirectory,
        about: dict[str, Any],
    ) -> None:
        """Write the report of a test that has just run; called on every process."""

    @abstractmethod
    def tell_report(self, folder: Path) -> None:
        """Print the report of an earlier test again."""

    def judge_overfit(self, values: Mapping[str, float | None], run: RunDirectory) -> str | None:
        """Say what the score of `debug=overfit` means; None where there is nothing to say."""
        return None

    def datamodule(self, config: Mapping[str, Any]) -> Any:
        """Make the data module; no file is read.

        Raises:
            ConfigError: the data are for the other family, or a key of theirs is wrong.
        """
        self.check_data(config)
        return instantiate(config["data"], seed=config["seed"], **self.data_arguments(config))

    def check_data(self, config: Mapping[str, Any]) -> None:
        """Refuse data that are for the other family.

        Raises:
            ConfigError: names what to give instead.
        """
        feeds = getattr(
            locate(config["data"]["_target_"], "data"), "feeds", self.name
        )  # a user's own may not say
        if feeds != self.name:
            raise ConfigError(
                f"model.network={config['model'].get('network', 'pose')} learns {self.name}s, and the chosen "
                f"data ({config['data']['_target_']}) are for {feeds}s: {self.instead}"
            )

    def check_metric_names(self, config: Mapping[str, Any]) -> None:
        """Refuse a metric that no validation gives, a direction that is not its own, and an unknown `which`.

        Raises:
            ConfigError: names the key and the nearest known name.
        """
        if config["which"] not in ("best", "last"):
            hint = did_you_mean(str(config["which"]), ["best", "last"])
            raise ConfigError(f"which={config['which']}: give best or last.{hint}")
        names = {"objective": config["objective"]}
        for key, node in (config.get("callbacks") or {}).items():
            monitor, mode = ((node or {}).get(name) for name in ("monitor", "mode"))
            names[f"callbacks.{key}.monitor"] = monitor
            if monitor is not None and mode in ("max", "min") and mode != (right := mode_of(str(monitor))):
                raise ConfigError(
                    f"callbacks.{key}.mode={mode}: of {monitor} the {right}imum is the best; leave it out"
                )
        known = self.metric_names(config)
        for key, name in names.items():
            if name is None or name in known or str(name).startswith("train/"):
                continue
            if str(name).startswith("test/"):
                raise ConfigError(f"{key}={name}: nothing may be chosen by the test part; give a val/ metric")
            raise ConfigError(
                f"{key}={name}: there is no such metric.{did_you_mean(str(name), known)} There are train/... "
                f"and {', '.join(dict.fromkeys(known))}"
            )
