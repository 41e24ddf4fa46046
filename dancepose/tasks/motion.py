"""`MotionTask`: the motion network in Lightning; thin, for network, encoder and metrics do the work."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dancepose.build import IN_PARTS, MotionModel, build
from dancepose.errors import ConfigError
from dancepose.motion_model import example_inputs
from dancepose.networks.action import ActionNetwork
from dancepose.networks.motion import MotionNetwork
from dancepose.tasks.motion_evaluation import MotionEvaluation
from dancepose.tasks.network_task import NetworkTask

BRANCHES = "branches_"  # before the names of metrics while the branches are trained alone


class MotionTask(NetworkTask):
    """Train a motion network by cross entropy and measure it.

    With `model.fusion_training=staged` the first half of the epochs trains each branch with a classifier of
    its own; then the branches stand still, and the second half trains the fusion network on them. What is
    measured of the first half, of the mean of both branches' probabilities, is logged as `branches_...`. Each
    half has the whole schedule of the learning rate, for the fusion starts from nothing.

    Args:
        config: `{"model": ..., "skeleton": ..., "classes": ..., "seed": ...}`, what `build.build` takes.
        optimizer: config node with `_target_` and `_partial_`.
        scheduler: config node with `_target_` and `_partial_`; None or a node without target keeps the rate.
        compile: compile the network, in place, when training starts.
        channels_last: memory format of the network and the pictures.
    """

    network: ActionNetwork
    unit = "samples"  # of its rate

    def __init__(
        self,
        config: dict[str, Any],
        optimizer: dict[str, Any],
        scheduler: dict[str, Any] | None = None,
        compile: bool = False,
        channels_last: bool = True,
    ):
        super().__init__()
        self.save_hyperparameters()
        model = build(config)
        assert isinstance(model, MotionModel)  # by the family of the configuration
        self.build_config, self.network = model.config, model.network
        self.skeleton, self.encoder, self.classes = model.skeleton, model.encoder, model.classes
        if channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.staged = isinstance(self.network, MotionNetwork) and self.network.staged
        self.least_epochs = 2 if self.staged else 1  # one of the branches, one of their fusion
        self.evaluation = MotionEvaluation(self.classes, self.network.rejects)
        self.held_out = MotionEvaluation(self.classes, self.network.rejects)
        self.result: dict[str, Any] = {}

    @property
    def main_metric(self) -> str:
        """What the progress tells of a validation."""
        return f"val/{self._prefix}accuracy"

    @property
    def _prefix(self) -> str:
        """What stands before a metric's name: another system's figures have other names."""
        return BRANCHES if self.in_parts else ""

    def inputs(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what the network takes of a batch."""
        given = {name: batch[name] for name in self.network.inputs}
        if "image" in given and self.hparams["channels_last"]:
            given["image"] = given["image"].contiguous(memory_format=torch.channels_last)
        return given

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Return the logits (B, classes) of a batch."""
        return self.network(**self.inputs(batch))

    def example(self, side: int) -> dict[str, Tensor]:
        """Return a batch of one that shows the network nothing: zeros of the shapes that it takes.

        Args:
            side: of the picture.
        """
        return example_inputs(self.network, self.encoder, len(self.skeleton), side)

    def setup(self, stage: str) -> None:
        """Let a network that is fitted before it is trained see the training samples, as they are, once."""
        if stage == "fit" and self.network.unfitted:
            dataset = self.trainer.datamodule.dataset("train", augmented=False)  # type: ignore[attr-defined]
            dataset.images = False  # those of all samples at once would fill the memory
            batch = dataset.collate([dataset[i] for i in range(len(dataset))])
            arrays = {name: batch[name].numpy() for name in self.encoder.inputs}
            self.network.fit(labels=batch["label"].numpy(), **arrays)

    def stages(self, epochs: float) -> list[float]:
        """Return the epochs of the branches and of their fusion; where nothing is staged all epochs."""
        branches = math.ceil(epochs / 2)  # the fusion begins with an epoch
        return [branches, epochs - branches] if self.staged and branches < epochs else [epochs]

    def on_train_epoch_start(self) -> None:
        """Let dropout depend on seed, epoch and rank alone; let the branches stand still when it is time."""
        super().on_train_epoch_start()
        if self.staged:
            total = self.trainer.estimated_stepping_batches
            if total == float("inf"):
                raise ConfigError(
                    "model.fusion_training=staged needs a training of known length: give trainer.max_epochs"
                )
            epochs, _, by_steps = self.length()  # a resumed run may have had other steps an epoch before
            self.in_parts = 2 * self.global_step < total if by_steps else 2 * self.current_epoch < epochs
            if not self.in_parts:
                assert isinstance(self.network, MotionNetwork)
                self.network.freeze_branches()

    def check_trained(self) -> None:
        """Refuse to test a fusion that was never trained.

        Raises:
            ConfigError: the training was too short.
        """
        if self.in_parts:
            raise ConfigError(
                "model.fusion_training=staged: the training ended before the fusion's half began; give two "
                "epochs at least (trainer.max_epochs, minutes)"
            )

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the cross entropy; of staged training's first half that of both branches."""
        if self.in_parts:
            assert isinstance(self.network, MotionNetwork)
            branches = self.network.branch_logits(**self.inputs(batch))
            loss = torch.stack([functional.cross_entropy(v, batch["label"]) for v in branches.values()]).sum()
            logits = _log_mean(branches)
            told = functional.nll_loss(logits.detach(), batch["label"])  # of what validation speaks of
        else:
            logits = self(batch)
            loss = functional.cross_entropy(logits, batch["label"])
            told = loss.detach()
        size = len(batch["label"])
        self.log("train/loss", loss.detach(), batch_size=size, prog_bar=True)
        right = (logits.detach().argmax(1) == batch["label"]).float().mean()
        means = {f"train/{self._prefix}loss_epoch": told, f"train/{self._prefix}accuracy": right}
        self.log_dict(means, on_step=False, on_epoch=True, batch_size=size, sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self.evaluation.reset()
        self.held_out.reset()

    def _validated(self) -> list[str]:
        """Return which part each validation loader gives."""
        return getattr(getattr(self.trainer, "datamodule", None), "validation_parts", ["val"])

    def validation_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Count a batch of the validation part, or of what is held out for the sampler."""
        part = self._validated()[dataloader_idx]
        self._count(self.evaluation if part == "val" else self.held_out, batch)

    def _count(self, evaluation: MotionEvaluation, batch: dict[str, Any]) -> None:
        if len(batch["label"]):  # an empty one fills up a process that has fewer than others
            rejected = self.network.rejected(**self.inputs(batch))
            evaluation.step(self._answer(batch), batch, rejected)

    def _answer(self, batch: dict[str, Any]) -> Tensor:
        """Return the logits (B, classes); while only the branches are trained, the log of their mean."""
        if not (self.in_parts and isinstance(self.network, MotionNetwork)):
            return self(batch)
        return _log_mean(self.network.branch_logits(**self.inputs(batch)))

    def on_validation_epoch_end(self) -> None:
        """Log the metrics, the same on every process; hand the recall of the held-out part to the sampler."""
        parts = self._validated()
        if "val" in parts:
            self.result = self.evaluation.compute()
            scalars = self.result["scalars"]
            self.log_dict({f"val/{self._prefix}{name}": value for name, value in scalars.items()})
        if "holdout" in parts and not self.trainer.sanity_checking:
            recall = self.held_out.compute()["scores"].class_accuracy
            shares = self.trainer.datamodule.learn_recall(list(recall.values()))  # type: ignore[attr-defined]
            self.log_dict({f"sampler/{name}": share for name, share in shares.items()})

    def on_test_epoch_start(self) -> None:
        """Start counting."""
        self.evaluation.reset()

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Count a batch."""
        self._count(self.evaluation, batch)

    def on_test_epoch_end(self) -> None:
        """Log the metrics; the entry point writes the files."""
        self.result = self.evaluation.compute()
        self.log_dict({f"test/{name}": value for name, value in self.result["scalars"].items()})

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take back whether only the branches are trained: where no epoch is left no other hook tells."""
        super().on_load_checkpoint(checkpoint)
        self.in_parts = bool(checkpoint.get(IN_PARTS))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what inference needs, and whether it must not infer yet."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[IN_PARTS] = self.in_parts

    def test_settings(self) -> dict[str, Any]:
        """Return in plain values how this run tests, the defaults of an evaluation of its checkpoint."""
        settings = {
            "precision": str(self.trainer.precision),
            "channels_last": bool(self.hparams["channels_last"]),
        }
        datamodule: Any = getattr(self.trainer, "datamodule", None)  # none where fit got loaders
        keys = ("size", "resize", "margin", *(("step",) if self.encoder.frames else ()))
        return settings | {key: getattr(datamodule, key) for key in keys if hasattr(datamodule, key)}


def _log_mean(branches: dict[str, Tensor]) -> Tensor:
    """Return the logarithm of the branches' mean probabilities: (B, classes) of each -> (B, classes)."""
    return torch.stack([logits.float().softmax(1) for logits in branches.values()]).mean(0).log()
