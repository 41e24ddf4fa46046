"""The device that a command's key `device` names, and what a CPU can do."""

import logging
import platform
import re
from collections.abc import Mapping
from typing import Any

import torch

from dancepose.errors import ConfigError

log = logging.getLogger(__name__)

PRECISIONS = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
SHORT = {"None": "32-true", "32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}  # as the trainer has it
BF16 = ("avx512_bf16", "amx_bf16", "avx10_2", "avx_ne_convert")  # each of them: x86 instructions for bfloat16


def find_device(name: Any) -> str:
    """Return the device that `device=` means.

    Raises:
        ConfigError: there is no such device, or none here.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return "cpu"
    found = re.fullmatch(r"cuda(?::(\d+))?", str(name))
    if found is None:
        raise ConfigError(f"device={name}: give one of auto, cpu, cuda, cuda:1")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(found[1] or 0) >= count:
        here = f"{count} GPU(s), counted from 0" if count else "no GPU that torch can use"
        raise ConfigError(f"device={name}: this machine has {here}; give device=auto or device=cpu")
    return str(name)


def has_fast_bf16() -> bool:
    """Tell whether the CPU computes with bfloat16; without the instructions it is converted at every step.

    Only an x86 processor is ever denied it: of others torch does not say enough.
    """
    if platform.machine().lower() not in ("x86_64", "amd64", "i386", "i686"):
        return True
    if hasattr(torch.cpu, "get_capabilities"):
        known = torch.cpu.get_capabilities()
        return any(known.get(name, False) for name in BF16)
    # before torch 2.10 or so; a name of its own, which may be gone
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)())


def settle_precision(trainer: Mapping[str, Any]) -> str:
    """Return the precision of a trainer node, `auto` replaced by the fastest that trains well here.

    It is `bf16-mixed` on a device that computes with bfloat16, else `32-true`.

    Args:
        trainer: the node, plain.
    """
    asked = str(trainer.get("precision", "32-true"))
    if asked != "auto":
        return asked
    accelerator = trainer.get("accelerator", "auto")
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif accelerator == "cpu" or not torch.backends.mps.is_available():
        fast = has_fast_bf16()
    else:
        fast = False
    settled = "bf16-mixed" if fast else "32-true"
    log.info("trainer.precision=auto: %s", settled)
    return settled


def warn_of_slow_bf16(device: str, precision: str, instead: str) -> None:
    """Warn once of bfloat16 on a CPU that has no instructions for it: it is many times slower than float32.

    Args:
        device: `cpu`, `cuda`, ...
        precision: of the network, as the trainer or an evaluation names it.
        instead: what to say on the command line, `trainer.precision=32-true` for instance.
    """
    if device == "cpu" and "bf16" in precision and not has_fast_bf16():
        log.warning(
            "%s on a CPU without instructions for bfloat16 (AVX512_BF16, AMX): many times slower than "
            "float32 here; give %s",
            precision,
            instead,
        )


def find_precision(asked: str | None, tested: Mapping[str, Any]) -> str:
    """Return the precision that is asked for, else that of the training.

    Raises:
        ConfigError: the training had one that an evaluation cannot have.
    """
    if asked is not None:
        return asked
    known = str(tested.get("precision", "32-true"))
    name = SHORT.get(known, known)
    if name not in PRECISIONS:
        raise ConfigError(
            f"precision: the training tested in {known}, which an evaluation cannot do; give precision= one "
            f"of {', '.join(PRECISIONS)}"
        )
    return name
