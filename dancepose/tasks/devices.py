"""The device that a command's key `device` names."""

import re
from typing import Any

import torch

from dancepose.errors import ConfigError


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
