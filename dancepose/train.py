"""`dancepose-train`: compose, train, test, leave a run directory behind."""

from __future__ import annotations

import logging
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning.pytorch import Callback, Trainer
    from lightning.pytorch.loggers import Logger
    from omegaconf import DictConfig

    from dancepose.tasks.pose import PoseTask
    from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)


def train(cfg: DictConfig) -> float | None:
    """Run one training.

    Args:
        cfg: what conf/train.yaml composes to, its keys checked.

    Returns:
        The value of `objective`, for a sweep; None where the run has no such metric.
    """
    from hydra.core.hydra_config import HydraConfig
    from lightning.pytorch import seed_everything
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    from dancepose.callbacks.checkpoints import WholeFileIO
    from dancepose.config import instantiate, plain
    from dancepose.errors import ConfigError, DanceposeError
    from dancepose.tasks.pose import PoseTask
    from dancepose.tasks.run_directory import RunDirectory, config_hash

    if str(cfg.objective).startswith("test/"):
        raise ConfigError(
            f"objective={cfg.objective}: nothing may be chosen by the test part; give a val/ metric"
        )
    main_rank = getattr(rank_zero_only, "rank", 0) in (None, 0)  # Lightning sets it where there is one
    trial = bool(cfg.trainer.get("fast_dev_run"))  # leaves no files
    logging.getLogger("lightning").handlers.clear()  # Hydra's handlers print its lines already
    if not main_rank:
        logging.getLogger().setLevel(logging.WARNING)
    config = plain(cfg)
    run = RunDirectory(HydraConfig.get().runtime.output_dir)
    seed_everything(cfg.seed, workers=True, verbose=False)

    build_config = {"model": config["model"], "skeleton": config["skeleton"], "seed": cfg.seed}
    task = PoseTask(
        build_config,
        optimizer=config["optimizer"],
        scheduler=config["scheduler"],
        inference=config["inference"],
        compile=cfg.compile,
        channels_last=cfg.channels_last,
    )
    datamodule = instantiate(cfg.data, skeleton=task.skeleton, codec=task.codec, seed=cfg.seed)
    datamodule.setup("fit")
    if main_rank:
        log.info("run directory: %s", run.path)
        log.info("%s", datamodule.summary())
    identity = {"hash": config_hash(config, datamodule.data_hash), "split": datamodule.split_hash}

    if main_rank and not trial:
        run.write_config(config, _lasting(HydraConfig.get().overrides.task))
        run.write_metrics("running", **identity)
    trainer = instantiate(
        cfg.trainer,
        callbacks=_callbacks(cfg, run),
        logger=_loggers(cfg, run, main_rank),
        plugins=[WholeFileIO()],
    )
    try:
        trainer.fit(task, datamodule=datamodule, ckpt_path=_last(cfg, run), weights_only=True)
        if trainer.interrupted:
            raise KeyboardInterrupt
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        objective = _objective(cfg, trainer, values)
        if cfg.test:
            values |= _test(cfg, trainer, task, datamodule, run)
    except BaseException as error:
        if main_rank and not trial:
            interrupted = isinstance(error, (KeyboardInterrupt, SystemExit))
            run.write_metrics("interrupted" if interrupted else "failed", cause=_cause(error), **identity)
            if interrupted:
                log.info("interrupted; go on with: dancepose-train resume=%s", run.path)
        if type(error).__module__.startswith("wandb."):
            raise DanceposeError(
                f"Weights & Biases refused the run: {error} Or log without a network: WANDB_MODE=offline, "
                "or logger.wandb.offline=true"
            ) from error
        raise
    finally:
        _finish_wandb()
    if main_rank and not trial:
        run.write_metrics("done", metrics=_finite(values), objective=objective, **identity)
        log.info("done: %s", run.path)
    return objective


def _callbacks(cfg: DictConfig, run: RunDirectory) -> list[Callback]:
    """Make the callbacks; the run's folders are given to those that write."""
    from lightning.pytorch.callbacks import LearningRateMonitor

    from dancepose.callbacks.pictures import Pictures
    from dancepose.config import instantiate

    folders = {"best": run.checkpoints, "last": run.checkpoints, "pictures": run.pictures}
    made = []
    for name, node in (cfg.callbacks or {}).items():
        if node is not None:
            made.append(instantiate(node, **({"dirpath": str(folders[name])} if name in folders else {})))
    if cfg.trainer.get("fast_dev_run"):  # it has no logger and leaves no files
        made = [callback for callback in made if not isinstance(callback, (LearningRateMonitor, Pictures))]
    return made


def _loggers(cfg: DictConfig, run: RunDirectory, main_rank: bool) -> list[Logger]:
    """Make the loggers, all inside the run directory; the W&B id is on disk before anything is logged."""
    from dancepose.config import instantiate

    if cfg.trainer.get("fast_dev_run"):
        return []
    made = []
    for name, node in (cfg.logger or {}).items():
        if node is None:
            continue
        given: dict[str, Any] = {"save_dir": str(run.path)}
        if name == "wandb" and main_rank:
            given |= {"id": run.wandb_id(), "resume": "allow"}
        made.append(instantiate(node, **given))
    return made


def _last(cfg: DictConfig, run: RunDirectory) -> str | None:
    """Return the checkpoint to go on from, or None for a fresh start."""
    if not cfg.resume:
        return None
    if not (run.checkpoints / "last.ckpt").is_file():
        log.info("%s has no last.ckpt: it stopped within its first epoch and starts afresh", run.path)
        return None
    return str(run.checkpoint("last"))


def _lasting(overrides: Sequence[str]) -> list[str]:
    """Return the overrides that make the run what it is, without those that only start or resume it."""
    return [o for o in overrides if not o.lstrip("+~").startswith(("resume=", "trust="))]


def _objective(cfg: DictConfig, trainer: Trainer, values: dict[str, float]) -> float | None:
    """Return the metric that a sweep compares: of the best checkpoint if that is the one tested."""
    for checkpoint in trainer.checkpoint_callbacks:
        score = getattr(checkpoint, "best_model_score", None)
        if (
            cfg.which == "best"
            and getattr(checkpoint, "monitor", None) == cfg.objective
            and score is not None
        ):
            return float(score)
    return values.get(cfg.objective)


def _test(
    cfg: DictConfig, trainer: Trainer, task: PoseTask, datamodule: Any, run: RunDirectory
) -> dict[str, float]:
    """Measure the chosen checkpoint on the test part, once, and write the report."""
    import torch

    datamodule.setup("test")
    if not datamodule.frames("test"):
        log.info(
            "the data have no test part: nothing is tested (`dancepose-evaluate run=%s part=val`)", run.path
        )
        return {}
    trial = bool(cfg.trainer.get("fast_dev_run"))
    if not trial:
        # not by ckpt_path: resuming callbacks would put the raw weights back in place of the averaged ones
        state = torch.load(run.checkpoint(cfg.which), map_location="cpu", weights_only=True)
        task.load_state_dict(state["state_dict"])
    trainer.test(task, datamodule=datamodule, verbose=False)
    predictions = task.evaluation.gather_predictions()
    if trainer.is_global_zero and not trial:
        from dancepose.config import plain
        from dancepose.tasks.report import describe, write_report

        about = {
            "source": f"{cfg.which}.ckpt",
            "data": describe(plain(cfg.data)),
            "split": datamodule.split_hash,
            **plain(cfg.inference),
        }
        write_report(
            run.path, "test", task.result, predictions, datamodule.frames("test"), task.skeleton, about
        )
    return {
        name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("test/")
    }


def _finish_wandb() -> None:
    """Close the W&B run, so that the next job of this process does not log into it."""
    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip(": ")


def main() -> None:
    """Run `dancepose-train`."""
    from dancepose.entry import run

    run(train, "train")


if __name__ == "__main__":
    main()
