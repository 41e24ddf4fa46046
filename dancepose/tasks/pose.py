"""`PoseTask`: the pose network in Lightning; thin, for the network, the codec and the metrics do the work."""

from typing import Any

import torch
from torch import Tensor

from dancepose.build import Model, build, expect
from dancepose.inference.geometry import describe_geometry
from dancepose.inference.pose import PosePredictor
from dancepose.tasks.evaluation import PoseEvaluation
from dancepose.tasks.network_task import NetworkTask


class PoseTask(NetworkTask):
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
        self.build_config, self.network = model.config, model.network
        self.skeleton, self.codec = model.skeleton, model.codec
        self.predictor = PosePredictor(model, **(inference or {}), channels_last=channels_last)
        self.evaluation = PoseEvaluation(model.skeleton)
        self.result: dict[str, Any] = {}

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of a batch of images (B, 3, H, W), uint8 or normalised."""
        if self.hparams["channels_last"]:
            images = images.contiguous(memory_format=torch.channels_last)
        return self.network(images)

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
        """See `NetworkTask`; scaled passes are padded as `dancepose-predict` pads them."""
        super().on_validation_start()
        self._take_geometry()

    def on_test_start(self) -> None:
        """The same of the test."""
        super().on_test_start()
        self._take_geometry()

    def _take_geometry(self) -> None:
        datamodule = getattr(self.trainer, "datamodule", None)  # none where fit got loaders
        if (geometry := getattr(datamodule, "geometry", None)) is not None:
            self.predictor.geometry = geometry

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
