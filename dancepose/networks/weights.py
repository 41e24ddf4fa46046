"""Weights from safetensors or state dicts, under our names or the published ones; never pickled code."""

import pickle
import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from dancepose.errors import CheckpointError
from dancepose.networks.foreign_files import damaged_record, ends_early, unreadable

WRAPPERS = ("module.", "network.", "model.", "state_dict.")  # DataParallel, Lightning, ...
NESTING = ("state_dict", "model_state_dict", "network", "model", "module")
# published prefix -> ours, of each kind of network
HRNET = {  # and HigherHRNet, which know neither backbone nor head
    "conv1.": "backbone.stem.conv1.",
    "bn1.": "backbone.stem.bn1.",
    "conv2.": "backbone.stem.conv2.",
    "bn2.": "backbone.stem.bn2.",
    "layer1.": "backbone.layer1.",
    "transition": "backbone.transition",
    "stage": "backbone.stage",
    "final_layers.": "head.final_layers.",
    "deconv_layers.": "head.deconv_layers.",
}
# ImageNet's, in the image branch; their classifier `fc` has no place there
RESNET = {
    f"{layer}.": f"branches.image.resnet.{layer}."
    for layer in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")
}
PUBLISHED = (HRNET, RESNET)
LEAST = 0.01  # share of a network's numbers that weights for it have to fill
SHAPING = ("network", "stem", "stem_width", "context", "depth", "width", "channels", "growth", "branches")
REMEDY = "copy it again, or give another (safetensors, .pth)"
# what torch.load raises, besides OSError, for a file that is cut short or was never one of its own
BROKEN = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class WeightsReport:
    """What `load_weights` did; `str()` is the message for the log.

    Attributes:
        path: the file.
        loaded: names, in the network, of what was loaded.
        missing: names in the network that the file lacks (these keep their initial values).
        mismatched: names of which the file has another shape (these too).
        unused: names in the file that the network lacks.
        shares: `loaded`, `missing` and `mismatched` as shares of the network's numbers, `unused` of the
            file's.
    """

    path: str
    loaded: list[str]
    missing: list[str]
    mismatched: list[str]
    unused: list[str]
    shares: dict[str, float]

    def __str__(self) -> str:
        lines = [f"weights from {self.path}"]
        for name in ("loaded", "missing", "mismatched", "unused"):
            names = getattr(self, name)
            whole = "the file" if name == "unused" else "the network"
            line = f"  {name}: {len(names)} tensors, {self.shares[name]:.1%} of {whole}"
            if names and name != "loaded":
                line += f" ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"
            lines.append(line)
        return "\n".join(lines)


def load_weights(network: nn.Module, path: str | Path) -> WeightsReport:
    """Load into a network what fits by name and shape from a weights file.

    Prefixes of wrappers (`module.`, `_orig_mod.`, `network.`, `model.`) and an outer `state_dict` are
    stripped, and the published names of HRNet, HigherHRNet and ResNet are understood.

    Args:
        network: changed in place.
        path: a safetensors file (by its suffix) or what `torch.save` wrote of a state dict.

    Raises:
        CheckpointError: the file is missing, truncated or foreign, holds pickled code, or next to nothing in
            it fits.
    """
    wanted = network.state_dict()
    found = {own_name(name, wanted): tensor for name, tensor in read_state_dict(path).items()}
    fitting = {n: t for n, t in found.items() if n in wanted and t.shape == wanted[n].shape}
    share = _share(fitting, wanted)
    if share < LEAST:
        what = (
            f"none of its {len(found)} tensors fits this network (the first are {', '.join(list(found)[:3])})"
        )
        if fitting:
            what = f"hardly anything of it fits this network ({share:.1%})"
        if name := next((n for n in found if n in wanted and n not in fitting), None):
            what += f", {name} is {_shape(found[name])} in it and {_shape(wanted[name])} here"
        raise CheckpointError(f"{path}: {what}. {_remedy(path)}")
    network.load_state_dict(fitting, strict=False)
    # counters of batches carry nothing that is learnt, and older files lack them
    missing = [n for n in wanted if n not in found and not n.endswith("num_batches_tracked")]
    mismatched = [n for n in found if n in wanted and n not in fitting]
    unused = [n for n in found if n not in wanted]
    shares = {
        "loaded": share,
        "missing": _share(missing, wanted),
        "mismatched": _share(mismatched, wanted),
        "unused": _share(unused, found),
    }
    return WeightsReport(str(path), list(fitting), missing, mismatched, unused, shares)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _remedy(path: str | Path) -> str:
    """Return what to do about weights that do not fit: of a run's checkpoint the keys of its network."""
    content = read_file(path)
    about = content.get("dancepose") if isinstance(content, Mapping) else None
    model = about.get("model") if isinstance(about, Mapping) else None
    if not isinstance(model, Mapping):
        return "Give weights of a network of this kind and width, or none"
    keys = [f"model.{key}={value}" for key, value in model.items() if key in SHAPING]
    return f"It is of a run with {' '.join(keys)}: give the same keys"


def own_name(name: str, wanted: Collection[str]) -> str:
    """Return the name in our networks: wrappers stripped, published names translated.

    Args:
        name: in the file.
        wanted: names of the network. One published name stands in several kinds of networks, so that only a
            translation found here counts.
    """
    name = name.replace("_orig_mod.", "")
    while wrapper := next((w for w in WRAPPERS if name.startswith(w)), None):
        name = name.removeprefix(wrapper)
    candidates = [name]
    for table in PUBLISHED:
        candidates += [own + name.removeprefix(old) for old, own in table.items() if name.startswith(old)]
    return next((candidate for candidate in candidates if candidate in wanted), name)


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a weights file, under their names in the file.

    Raises:
        CheckpointError: the file is missing, truncated or foreign, or holds pickled code.
    """
    content: Any = read_file(path)
    for _ in NESTING:  # a file may hold itself
        if not isinstance(content, Mapping) or any(isinstance(v, Tensor) for v in content.values()):
            break
        inner = next((content[k] for k in NESTING if isinstance(content.get(k), Mapping)), None)
        if inner is None:
            break
        content = inner
    tensors = {}
    if isinstance(content, Mapping):
        tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path} holds no weights: a state dict, tensors by name, is needed")
    return tensors


def read_file(path: str | Path, remedy: str = REMEDY) -> Any:
    """Read a safetensors file or what `torch.save` wrote of plain containers and tensors; runs no code of it.

    Args:
        path: of the file.
        remedy: what to do where it is truncated.

    Raises:
        CheckpointError: the file is missing, closed to us, truncated or foreign, or holds pickled code.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if re.search("unsupported (global|class)", str(error), re.IGNORECASE) and not ends_early(path):
            raise CheckpointError(
                f"{path} holds pickled objects besides tensors; loading them could run code: refused. "
                "Where you trust the file, save its weights alone: torch.save(network.state_dict(), ...)"
            ) from None
        raise unreadable(path, remedy) from None
    except (SafetensorError, OSError, *BROKEN) as error:
        raise unreadable(path, remedy, type(error).__name__) from None
    if record := damaged_record(path):  # PyTorch itself compares no checksum
        raise unreadable(path, remedy, f"the checksum of its record {record} is wrong")
    return content


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata of a safetensors file, text by name; nothing where it has none.

    Raises:
        CheckpointError: the file is missing, truncated or foreign.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError, *BROKEN) as error:
        raise unreadable(path, REMEDY, type(error).__name__) from None


def _share(names: Any, tensors: Mapping[str, Tensor]) -> float:
    total = sum(t.numel() for t in tensors.values())
    return sum(tensors[n].numel() for n in names) / max(total, 1)
