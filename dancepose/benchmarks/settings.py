"""What the figures of a benchmark depend on besides the code: the machine, and what was composed."""

import platform
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
import yaml

from dancepose.motion_model import motion_config

UNTOLD = ("name", "output", "threads")  # where the files are; the threads that there were are the machine's
PARTS_OF = {  # a setting that matters to some parts alone -> these; any other is told always
    "seed": ("network", "data", "people", "export"),
    "device": ("network",),
    "networks": ("network", "export"),
    "motions": ("motion", "people"),
    "precisions": ("network",),
    "layouts": ("network",),
    "size": ("network", "decode", "people", "export"),
    "batches": ("network",),
    "samples": ("data",),
    "long_side": ("data",),
    "jpeg": ("data",),
    "maps": ("decode",),
    "jobs": ("compare",),
    "studies": ("claims",),
    "images": ("mpii",),
    "groups": ("score",),
    "skeleton": ("network", "data", "decode", "score", "people", "export"),
    "model": ("network", "data", "people", "export"),
    "data": ("data",),
}


def machine() -> dict[str, Any]:
    """Return the version of PyTorch, its threads, and the processor."""
    about: dict[str, Any] = {"torch": str(torch.__version__), "threads": torch.get_num_threads()}
    about["processor"] = torch.backends.cpu.get_cpu_capability() + " " + platform.machine()
    if torch.cuda.is_available():
        about["gpu"] = torch.cuda.get_device_name()
    return about


def settings(config: Mapping[str, Any], measured: Collection[str]) -> dict[str, Any]:
    """Return what was composed and matters to the parts that were measured.

    Args:
        config: the whole configuration as plain containers.
        measured: parts.

    Returns:
        Plain containers; the skeleton by its name, motion networks with their defaults written out.
    """
    kept = {
        key: value
        for key, value in config.items()
        if key not in UNTOLD and (key not in PARTS_OF or set(PARTS_OF[key]) & set(measured))
    }
    if "skeleton" in kept:
        kept["skeleton"] = config["skeleton"]["name"]
    if "motions" in kept:
        kept["motions"] = {n: motion_config(node).to_dict() for n, node in config["motions"].items()}
    return kept


def told(values: Mapping[str, Any]) -> str:
    """Return settings as text, a paragraph for each group; nulls and what begins with _ are left out."""
    return "\n".join(_paragraphs(values))


def _paragraphs(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        groups = {}
        if isinstance(value, Mapping):
            known = {n: one for n, one in value.items() if one is not None and not n.startswith("_")}
            groups = {n: one for n, one in known.items() if isinstance(one, Mapping)}
            value = {n: one for n, one in known.items() if n not in groups}
        if value is not None and (value or not groups):
            text = yaml.safe_dump({path + key: value}, default_flow_style=True, sort_keys=False, width=10**6)
            yield textwrap.fill(text.strip()[1:-1], 110, subsequent_indent="    ", break_on_hyphens=False)
        yield from _paragraphs(groups, f"{path}{key}.")
