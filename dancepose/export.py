"""`dancepose-export`: a trained network as one file that other programs, or this one, can run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)

FORMATS = {"safetensors": ".safetensors", "onnx": ".onnx"}
OF_ONNX = {"flip": None, "images": None}  # keys that only format=onnx reads, and what they are unless given


def export(cfg: DictConfig) -> None:
    """Write the file, check it against the network that it was made from, and tell how far they differ.

    Args:
        cfg: what conf/export.yaml composes to, its keys checked.

    Raises:
        ConfigError: a value is wrong, the extra `export` is missing, or the network cannot be exported.
        CheckpointError: the run is missing, truncated or foreign.
        DataError: a picture to check on cannot be read.
        DanceposeError: the file does not do what the network does; an older one stays.
    """
    from hydra.core.hydra_config import HydraConfig

    from dancepose.build import Model, load_checkpoint
    from dancepose.checks import at_least, one_of
    from dancepose.errors import ConfigError
    from dancepose.inference.runs import find_checkpoint
    from dancepose.tasks.exporting import (
        card_of,
        pictures_to_check,
        write_motion_onnx,
        write_pose_onnx,
        write_safetensors,
    )

    one_of("format", cfg.format, FORMATS)
    at_least("check", cfg.check, 0)
    if cfg.run is None:
        raise ConfigError("give run=<run directory>, a checkpoint, or a safetensors file of dancepose-export")
    suffix = FORMATS[cfg.format]
    if cfg.format != "onnx" and (unread := [key for key, value in OF_ONNX.items() if cfg[key] != value]):
        raise ConfigError(f"with format={cfg.format} nothing reads {', '.join(unread)}: leave out")
    if cfg.images is not None and not cfg.check:
        raise ConfigError("check=0 looks at no picture: leave out images, or say how many: check=8")
    path = Path(cfg.file or Path(HydraConfig.get().runtime.output_dir) / f"model{suffix}").expanduser()
    if path.suffix != suffix:
        raise ConfigError(f"file={cfg.file}: with format={cfg.format} its name must end in {suffix}")
    source = find_checkpoint(cfg.run, cfg.which)
    model = load_checkpoint(source)
    card = card_of(model, source)
    if cfg.format == "safetensors":
        told = write_safetensors(model, card, path)
    elif isinstance(model, Model):
        flip = bool(model.test.get("flip", False) if cfg.flip is None else cfg.flip)
        told = write_pose_onnx(model, card, path, flip, pictures_to_check(cfg.images, cfg.check))
    else:
        if given := [key for key, value in OF_ONNX.items() if cfg[key] != value]:
            raise ConfigError(f"the run is one of motions, where nothing reads {', '.join(given)}: leave out")
        told = write_motion_onnx(model, card, path, cfg.check)
    log.info("%s: %s", path.name, told)
    log.info("%.1f MiB written to %s", path.stat().st_size / 2**20, path)


def main() -> None:
    """Run `dancepose-export`."""
    from dancepose.entry import run

    run(export, "export")


if __name__ == "__main__":
    main()
