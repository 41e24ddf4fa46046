"""A training whose folder holds a run already: what it goes on from, and what of it is only told again."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from dancepose.errors import ConfigError
from dancepose.run_yaml import read_yaml
from dancepose.sweeps.names import key_of
from dancepose.tasks.family import Family
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import TOLD, changed_settings, check_free, other_commit, other_data

log = logging.getLogger(__name__)

OF_TESTS = ("inference", "which", "data.test_", "data.workers", "data.cache", "trainer.precision")
ANYWHERE = ("experiment", "debug")  # groups whose options set keys of any node


def last_checkpoint(cfg: DictConfig, run: RunDirectory, writes: bool, reuse: bool) -> Path | None:
    """Return the checkpoint to go on from, or None for a fresh start.

    Args:
        cfg: the configuration.
        run: the folder.
        writes: whether this process writes into it.
        reuse: the folder holds the very run that is asked for.

    Raises:
        ConfigError: a fresh run in the folder of another, or a resumed one outside its folder.
    """
    if cfg.resume:
        if Path(cfg.resume).resolve() != run.path:
            raise ConfigError(
                f"resume={cfg.resume}, but the run directory is {run.path}: a resumed run goes on in its "
                "folder"
            )
    elif not reuse and writes:  # others may come when this process has written already
        check_free(run)
    if writes:
        run.remove_leftovers()
    if not cfg.resume and not reuse:
        return None
    last = run.checkpoints / "last.ckpt"
    if not last.is_file():
        log.info("%s has no last.ckpt: it stopped within its first epoch and starts afresh", run.path)
        return None
    return last


def is_done(config: Mapping[str, Any], run: RunDirectory, family: Family) -> bool:
    """Tell whether the run of a folder, of this configuration, has ended, with the data and split of now.

    Args:
        config: the run's, plain.
        run: the folder.
        family: reads the data, if the run has ended.
    """
    known = run.read_metrics()
    if known.get("status") != "done":
        return False
    datamodule = family.datamodule(config)
    return not other_data(known, datamodule.data_hash, datamodule.split_hash)


def tell_again(config: Mapping[str, Any], run: RunDirectory, family: Family) -> float | None:
    """Tell the results of a finished run; return its objective."""
    log.info("this very training is done; nothing changed since: %s", run.path)
    if other := other_commit(run.read_metrics()):
        log.warning("%s", other)
    if config["test"]:
        family.tell_report(run.path)
    return run.read_metrics().get("objective")


def warn_of_switched(run: RunDirectory, config: Mapping[str, Any], overrides: Sequence[str]) -> None:
    """Warn of settings with which a resumed run does not go on as it began, though nobody said so.

    It is composed of its overrides and of the defaults of now, which another version may have changed.

    Args:
        run: its folder.
        config: of now, plain.
        overrides: its own, and those given beside `resume=`.
    """
    own = read_yaml(run.path / "overrides.yaml", list)
    typed = [key_of(o).partition("@")[0].replace("/", ".") for o in overrides if o not in own]
    if any(key in ANYWHERE for key in typed):
        return
    if config["minutes"] is not None:  # by which the epochs are counted anew, or kept
        typed.append("trainer.max_epochs")
    changed = [
        words
        for key, words in changed_settings(run, config).items()
        if not any(f"{key}.".startswith(f"{one}.") or one.startswith(f"{key}.") for one in typed)
    ]
    if changed:
        log.warning(
            "goes on with other settings than before, which nobody gave beside resume= (by other defaults, "
            "or by a key that is given): %s. To keep them as they were, give these keys",
            "; ".join(changed),
        )


def check_tested_alike(run: RunDirectory, config: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse to test a finished run once more by other settings: its result would be that of no config.yaml.

    One that was never tested, since its test failed for want of memory say, may be tested by others: those
    alone may differ.

    Args:
        run: its folder.
        config: of now, plain.
        known: metrics.json of before.

    Raises:
        ConfigError: names what differs, and the command that keeps such a test beside the run's own.
    """
    tested = any(name.startswith("test/") for name in known.get("metrics") or {})
    changed = changed_settings(run, config)
    changed.pop("test", None)
    if other := [words for key, words in changed.items() if not key.startswith(OF_TESTS)]:
        raise ConfigError(
            f"{run.path} is trained to its end, by other settings: {'; '.join(other[:TOLD])}. Give them as "
            "they were to have it tested, or train longer (trainer.max_epochs)"
        )
    if known.get("status") == "done" and tested and changed:
        raise ConfigError(
            f"{run.path} is finished and tested, and no epoch is left to train: "
            f"{'; '.join([*changed.values()][:TOLD])}. Train longer (trainer.max_epochs), or test it so "
            f"beside its own test: dancepose-evaluate run={run.path} evaluation=<name>"
        )
