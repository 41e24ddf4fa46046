"""What the network is made of and what it costs, told once at the start of a training."""

import logging
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from dancepose.networks.cost import count_macs, count_macs_of, count_parameters
from dancepose.text_table import aligned

log = logging.getLogger(__name__)

LONG = 1e12  # multiply-adds of a step: a minute of a small CPU
SIZE = 512  # pixels, where `fit` was given loaders that do not say


class Summary(Callback):
    """Log parameters and multiply-accumulate operations of each part of the network.

    In place of Lightning's, which counts operations only of a module with an example input, and times other
    than that of the training.

    Args:
        depth: how far to look into the network; 0 tells its totals alone.
    """

    def __init__(self, depth: int = 2):
        self.depth = depth

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the table; the operations are those on one training picture."""
        if not trainer.is_global_zero:
            return
        module: Any = pl_module
        side = getattr(getattr(trainer, "datamodule", None), "size", SIZE)
        example = module.example(side) if hasattr(module, "example") else None
        log.info("%s", summary_table(module.network, (side, side), self.depth, example))
        if example is None and trainer.strategy.root_device.type == "cpu":
            batch = getattr(getattr(trainer, "datamodule", None), "batch_size", 1)
            # the backward pass is two forward ones
            step = 3 * batch * count_macs(module.network, (side, side))[""]
            if step > LONG:
                log.info(
                    "a step of %d images has %s GMACs, long for a CPU: dry_run=true tells how long. Smaller: "
                    "data.size, data.batch_size, model.width=16, model.depth=small",
                    batch,
                    f"{step / 1e9:,.0f}",
                )


def summary_table(
    network: nn.Module, size: tuple[int, int], depth: int = 2, example: Mapping[str, Tensor] | None = None
) -> str:
    """Return a table: part, class, parameters, GMACs on an image of `size` (height, width), and shares.

    Args:
        network: takes (B, 3, H, W), or the example's entries.
        size: of the image.
        depth: how far to look into the network.
        example: inputs of a batch of one, see `count_macs_of`.
    """
    parameters = count_parameters(network)
    macs = count_macs(network, size) if example is None else count_macs_of(network, **example)
    total_parameters, total_macs = parameters[""], macs[""]
    unit, name = (1e9, "GMACs") if total_macs >= 1e8 else (1e6, "MMACs")
    looks = example is None or "image" in example
    title = f"{name} at {size[1]} x {size[0]}" if looks else name
    lines = [["part", "class", "parameters", "share", title, "share"]]
    for name, module in network.named_modules():
        level = name.count(".") + 1 if name else 0
        if level > depth or (name and not parameters[name]):
            continue
        label = "  " * level + (name.rpartition(".")[2] or "network")
        counts = parameters[name], macs[name]
        lines.append(
            [
                label,
                type(module).__name__,
                f"{counts[0]:,}",
                f"{counts[0] / max(1, total_parameters):.0%}",
                f"{counts[1] / unit:.2f}",
                f"{counts[1] / max(1, total_macs):.0%}",
            ]
        )
    fixed = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    return "\n".join(aligned(lines, left=2)) + (f"\nof these not trained: {fixed:,}" if fixed else "")
