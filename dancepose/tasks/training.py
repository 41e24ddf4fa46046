"""One training: what it is made of, its course, and what it leaves in its folder."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import seed_everything
from omegaconf import DictConfig

from dancepose.callbacks.checkpoints import WholeFileIO
from dancepose.inference.devices import settle_precision, warn_of_slow_bf16
from dancepose.run_keys import keys_not
from dancepose.sweeps.names import lasting
from dancepose.targets import plain
from dancepose.tasks.config_hash import config_hash
from dancepose.tasks.ending import finish_wandb, finite, leave
from dancepose.tasks.families import family_of
from dancepose.tasks.initial_weights import WEIGHTS, weights_digest
from dancepose.tasks.memory import advise_training, memory_told
from dancepose.tasks.outcome import describe_trial, measure_test_part, objective_value, resumed_metrics
from dancepose.tasks.preparation import (
    WhenLoaded,
    check_optimizer,
    describe_batch,
    log_config,
    make_callbacks,
    make_loggers,
    make_trainer,
)
from dancepose.tasks.rate_test import check_rate_test, find_rate
from dancepose.tasks.resuming import check_kept, check_resumable, keep_data
from dancepose.tasks.reuse import check_tested_alike, is_done, last_checkpoint, tell_again, warn_of_switched
from dancepose.tasks.run_directory import RunDirectory
from dancepose.tasks.sameness import check_same_run, with_commit
from dancepose.tasks.slurm_job import cluster_plugins
from dancepose.tasks.time_budget import MOST, check_minutes, fitting_epochs, known_epochs

log = logging.getLogger(__name__)

# of Lightning and torch, about what is meant to be so: the folder of a resumed run, a short epoch, ...
WARNINGS = (
    "Grad strides do not match bucket view strides",  # of 1x1 weights; DDP copies gradients either way
    "It is recommended to use `self.log",  # the metrics are equal on all processes already
    "Checkpoint directory .* exists and is not empty",
    "The number of training batches .* is smaller than the logging interval",
    "The `srun` command is available",  # who wants Slurm asks for it
    ".*isinstance\\(treespec, LeafSpec\\)` is deprecated",
)


def run_training(cfg: DictConfig, main_rank: bool) -> float | None:
    """Run one training in a folder that no other process writes into.

    Args:
        cfg: what conf/train.yaml composes to, its keys checked.
        main_rank: whether this is the first process of the run, which writes.

    Returns:
        The value of `objective`; None where the run has no such metric.

    Raises:
        ConfigError: a setting cannot work, or the folder holds a run that this one would be mixed with.
        SystemExit: the run was interrupted; 130 by Ctrl-C, 143 by SIGTERM.
    """
    testing_rates = bool(cfg.lr_find.steps)  # in place of a training
    trial = bool(cfg.trainer.get("fast_dev_run")) or testing_rates  # leaves no files of a run
    writes = main_rank and not trial
    logging.getLogger("lightning").handlers.clear()  # Hydra's handlers print its lines already
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    if not main_rank:
        logging.getLogger().setLevel(logging.WARNING)
    config = plain(cfg)
    family = family_of(config)
    config["trainer"]["precision"] = settle_precision(config["trainer"])
    run = RunDirectory(HydraConfig.get().runtime.output_dir, cfg.anew)
    if testing_rates:
        check_rate_test(config, run)
    reuse = bool(cfg.reuse) and not trial and not cfg.resume and run.occupied
    epochs = None
    most: dict[str, Any] = {}
    if config["minutes"] is not None and not trial:
        check_minutes(config)
        most = {MOST: config["trainer"]["max_epochs"]}
        epochs = known_epochs(run, config) if cfg.resume or reuse else None
        config["trainer"]["max_epochs"] = epochs or config["trainer"]["max_epochs"]
    family.check_metric_names(config)
    if reuse and writes:
        check_same_run(run, config)
        if is_done(config, run, family):
            return tell_again(config, run, family)
    last = last_checkpoint(cfg, run, writes, reuse)
    seed_everything(cfg.seed, workers=True, verbose=False)
    datamodule = family.datamodule(config)  # reads nothing yet
    if last is not None:
        check_kept(run, config["data"])
        if cfg.resume and main_rank:
            warn_of_switched(run, config, HydraConfig.get().overrides.task)
    task = family.task(config, datamodule, resumed=last is not None)
    check_optimizer(config["optimizer"], task.network)
    if last is not None:
        check_resumable(last, task.build_config, config["optimizer"])
        keep_data(run, config["data"], datamodule.data)
    started = False

    def keep_config() -> None:
        composed = HydraConfig.get()
        overrides = lasting(composed.overrides.task, keys_not("saved"))
        run.write_config(config, overrides, chosen_options(composed.runtime.choices))

    def start() -> None:
        """Write what the run is; a resumed one only when its checkpoint has been loaded."""
        nonlocal started
        started = True
        if writes:
            keep_config()
            run.write_metrics("running", metrics=finite(values), **identity)

    if not testing_rates:  # which makes its own
        loggers = make_loggers(config, run, main_rank)
        callbacks = make_callbacks(config, run, logged=bool(loggers))
        if last is not None:
            callbacks.append(WhenLoaded(start))
        trainer = make_trainer(config, run, callbacks, loggers, plugins=[WholeFileIO(), *cluster_plugins()])
        datamodule.trainer = trainer
    datamodule.setup("fit")
    if main_rank:
        log.info("run directory: %s", run.path)
        log.info("%s", datamodule.summary())
        family.warn(datamodule)
    if testing_rates:
        find_rate(config, run, task, datamodule, list(HydraConfig.get().overrides.task), [WholeFileIO()])
        return None
    if reuse and last is not None and run.read_metrics().get("status") == "done":  # pictures have come since
        return tell_again(config, run, family)
    if config["minutes"] is not None and not trial and epochs is None:
        timed = family.task(config, datamodule, resumed=True)  # without initial weights from a file
        epochs = fitting_epochs(config, run, timed, datamodule, [WholeFileIO()])
        config["trainer"]["max_epochs"] = trainer.fit_loop.max_epochs = epochs
        datamodule.trainer = trainer
        seed_everything(cfg.seed, workers=True, verbose=False)  # the trial leaves no trace
    if writes:
        run.make_way()
        run.write_split(datamodule.split, datamodule.label_hashes)
        run.keep_wandb_id()
        run.forget_errors()
    earlier = run.read_metrics() if last is not None else {}
    identity = {**_identity(config, datamodule, earlier), **most}
    values = {**earlier.get("metrics", {})}
    if last is None:
        start()
    try:
        if main_rank:
            log.info("%s", describe_batch(datamodule.batch_size, trainer))
            kind = trainer.strategy.root_device.type
            warn_of_slow_bf16(kind, str(trainer.precision), "trainer.precision=32-true")
            log_config(loggers, config)
        with memory_told(advise_training(config, datamodule)):
            trainer.fit(
                task, datamodule=datamodule, ckpt_path=None if last is None else str(last), weights_only=True
            )
        if trainer.interrupted:
            raise KeyboardInterrupt
        if not trial:
            task.check_trained()
        if started:
            values.clear()  # those of before, of fewer epochs
        else:
            log.info("already finished at epoch %d of %s", trainer.current_epoch, trainer.max_epochs)
            if cfg.test and not trial:
                check_tested_alike(run, config, earlier)
        values |= resumed_metrics(trainer)  # where no epoch is left to train
        values |= {n: float(v) for n, v in trainer.callback_metrics.items()}
        objective = objective_value(config, trainer, values)
        if cfg.test:
            with memory_told(advise_training(config, datamodule)):
                values |= measure_test_part(config, trainer, family, task, datamodule, run)
            if writes and not started and not trial:
                keep_config()  # the result is to be that of the configuration beside it
    except BaseException as error:
        told = {**identity, "metrics": finite(values)} if started and not trial else None
        leave(error, run, trainer, main_rank, told, writes)
    else:
        if writes:
            run.write_metrics("done", metrics=finite(values), objective=objective, **identity)
    finally:
        finish_wandb()
    if writes:
        if config["data"].get("overfit") and (verdict := family.judge_overfit(values, run)):
            log.info("%s", verdict)
        log.info("done: %s", run.path)
    elif main_rank:
        log.info("%s", describe_trial(int(cfg.trainer.fast_dev_run), datamodule, bool(cfg.test)))
    return objective


def _identity(config: Mapping[str, Any], datamodule: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what metrics.json says of the run, whatever comes of it; of a resumed one something is known."""
    weights = known.get(WEIGHTS) if known else weights_digest(config)
    return {
        **with_commit(known),
        **({} if weights is None else {WEIGHTS: weights}),
        "hash": config_hash(config, data := datamodule.data_hash),
        "split": datamodule.split_hash,
        "split_file": "split.json",
        **datamodule.kept,
        "images": {part: len(names) for part, names in datamodule.data.names.items()},
        "data": data,
    }


def chosen_options(choices: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return group -> option without Hydra's own groups: what choices.yaml of a run holds."""
    return {str(group): option for group, option in choices.items() if not str(group).startswith("hydra")}
