"""What the network is made of and what it costs, told once at the start of a training."""

import logging
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

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
        if example is None:
            macs = count_macs(module.network, (side, side))
        else:
            macs = count_macs_of(module.network, **example)
        looks = example is None or "image" in example
        log.info("%s", summary_table(module.network, macs, (side, side) if looks else None, self.depth))
        if example is None and trainer.strategy.root_device.type == "cpu":
            batch = getattr(getattr(trainer, "datamodule", None), "batch_size", 1)
            step = 3 * batch * macs[""]  # the backward pass is two forward ones
            if step > LONG:
                log.info(
                    "a step of %d images has %s GMACs, long for a CPU: dry_run=true tells how long. Smaller: "
                    "data.size, data.batch_size, model.width=16, model.depth=small",
                    batch,
                    f"{step / 1e9:,.0f}",
                )


def summary_table(
    network: nn.Module, macs: Mapping[str, int], size: tuple[int, int] | None, depth: int = 2
) -> str:
    """Return a table: part, class, parameters, GMACs on an image of `size` (height, width), and shares.

    Args:
        network: whose parts are told.
        macs: name of each part -> its multiply-adds, see `count_macs`.
        size: of the image; None: there is none among the inputs.
        depth: how far to look into the network.
    """
    parameters = count_parameters(network)
    total_parameters, total_macs = parameters[""], macs[""]
    unit, name = (1e9, "GMACs") if total_macs >= 1e8 else (1e6, "MMACs")
    title = f"{name} at {size[1]} x {size[0]}" if size else name
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
