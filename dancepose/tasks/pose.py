"""`PoseTask`: the pose network in Lightning; thin, for the network, the codec and the metrics do the work."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from dancepose.build import Model, build, expect
from dancepose.errors import ConfigError
from dancepose.inference.pose import PosePredictor
from dancepose.targets import instantiate
from dancepose.tasks.evaluation import PoseEvaluation
from dancepose.tasks.resuming import apply_optimizer
from dancepose.tasks.scoring import describe_geometry


class PoseTask(LightningModule):
    """Train a pose network and measure it.

    A checkpoint carries under `dancepose` the plain dictionary from which `build.build` makes the same
    skeleton, codec and network again, so that inference needs neither this class nor Hydra.

    Args:
        config: `{"model": ..., "skeleton": ..., "seed": ...}`, what `build.build` takes.
        optimizer: config node with `_target_` and `_partial_`.
        scheduler: config node with `_target_` and `_partial_`; None or a node without target keeps the rate.
        inference: `flip` and `scales` of validation and test.
        compile: compile the network, in place, when training starts.
        channels_last: memory format of the network and its input.
    """

    def __init__(
        self,
        config: dict[str, Any],
        optimizer: dict[str, Any],
        scheduler: dict[str, Any] | None = None,
        inference: dict[str, Any] | None = None,
        compile: bool = False,
        channels_last: bool = True,
    ):
        super().__init__()
        self.save_hyperparameters()
        model = expect(build(config), Model)
        self.build_config = model.config
        self.skeleton, self.codec, self.network = model.skeleton, model.codec, model.network
        self.predictor = PosePredictor(model, **(inference or {}), channels_last=channels_last)
        self.evaluation = PoseEvaluation(model.skeleton)
        self.result: dict[str, Any] = {}
        self._resumed_optimizer: dict[str, Any] | None = None

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of a batch of images (B, 3, H, W), uint8 or normalised."""
        if self.hparams["channels_last"]:
            images = images.contiguous(memory_format=torch.channels_last)
        return self.network(images)

    def on_fit_start(self) -> None:
        """Compile the network; the keys of its state stay as they are."""
        if self.hparams["compile"]:
            self.network.compile()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember with which optimizer settings the training ran so far."""
        self._resumed_optimizer = checkpoint["hyper_parameters"]["optimizer"]

    def on_train_start(self) -> None:
        """Let optimizer settings given on resume win over those that came with the optimizer's state."""
        if self._resumed_optimizer is not None:
            schedules = [c.scheduler for c in self.trainer.lr_scheduler_configs]
            for optimizer in self.trainer.optimizers:
                apply_optimizer(optimizer, schedules, self._resumed_optimizer, self.hparams["optimizer"])

    def on_train_epoch_start(self) -> None:
        """Let dropout depend on seed, epoch and rank alone, so that a resumed training draws the same."""
        entropy = (self.build_config["seed"], self.current_epoch, self.global_rank)
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the sum of the codec's losses."""
        losses = self.codec.loss(self(batch["image"]), batch["targets"], batch["weights"])
        total = torch.stack(list(losses.values())).sum()
        size = len(batch["image"])
        self.log("train/loss", total.detach(), batch_size=size, prog_bar=True)
        means = {f"train/{name}": value.detach() for name, value in losses.items()}
        means["train/loss_epoch"] = total.detach()
        self.log_dict(means, on_step=False, on_epoch=True, batch_size=size, sync_dist=True)
        return total

    def on_validation_start(self) -> None:
        """Validate what a checkpoint would hold: the first process's running statistics."""
        self._share_buffers()

    def on_test_start(self) -> None:
        """Test the first process's running statistics."""
        self._share_buffers()

    def _share_buffers(self) -> None:
        """Copy the buffers of rank 0; they differ between processes unless batch norm is synchronised."""
        if self.trainer.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self.evaluation.reset()

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor | None:
        """Find the people of a batch and count them; returns the heatmaps (B, K, h, w) for pictures."""
        return self.evaluation.step(self.predictor, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics; every rank computes the same."""
        self.result = self.evaluation.compute()
        self.log_dict({f"val/{name}": value for name, value in self.result["scalars"].items()})

    def on_test_epoch_start(self) -> None:
        """Start counting."""
        self.evaluation.reset()

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor | None:
        """Find the people of a batch and count them."""
        return self.evaluation.step(self.predictor, batch)

    def on_test_epoch_end(self) -> None:
        """Log the metrics; the entry point writes the files."""
        self.result = self.evaluation.compute()
        self.log_dict({f"test/{name}": value for name, value in self.result["scalars"].items()})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what inference needs; plain values only, so that loading never runs code."""
        checkpoint["dancepose"] = {**self.build_config, "test": self.test_settings()}

    def test_settings(self) -> dict[str, Any]:
        """Return in plain values how this run tests, the defaults of an evaluation of its checkpoint.

        The keys are those of the configuration: flip, scales, precision, channels_last, and of the data
        test_size (the pixels themselves), resize and pad_multiple.
        """
        settings: dict[str, Any] = {
            "flip": bool(self.predictor.flip),
            "scales": list(self.predictor.scales),
            "precision": str(self.trainer.precision),
            "channels_last": bool(self.hparams["channels_last"]),
        }
        datamodule = getattr(self.trainer, "datamodule", None)  # none where fit got loaders
        return settings | describe_geometry(getattr(datamodule, "geometry", None))

    def configure_optimizers(self) -> Any:
        """Make the optimizer, and a schedule that moves with every optimizer step.

        Raises:
            ConfigError: the training has no length that the schedule could be laid over.
        """
        optimizer = instantiate(self.hparams["optimizer"], where="optimizer")(self.network.parameters())
        if not (self.hparams["scheduler"] or {}).get("_target_"):
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        epochs = float(self.trainer.max_epochs or -1)
        batches = self.trainer.num_training_batches
        if steps == float("inf") or batches == float("inf"):
            raise ConfigError(
                "a schedule needs a training of known length: set trainer.max_epochs or max_steps"
            )
        per_epoch = max(1, -(-batches // self.trainer.accumulate_grad_batches))
        if epochs <= 0 or steps < epochs * per_epoch:
            epochs = steps / per_epoch
        schedule = instantiate(self.hparams["scheduler"], where="scheduler")(
            optimizer, epochs=epochs, steps_per_epoch=per_epoch
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
