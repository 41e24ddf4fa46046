"""The contents of the file that a network starts from: another file under the same name makes another run."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

WEIGHTS = "weights"  # in metrics.json


def weights_digest(config: Mapping[str, Any]) -> str | None:
    """Return what stands for the contents of `model.weights`; None of none, or of a missing file."""
    name = (config.get("model") or {}).get("weights")
    path = Path(name).expanduser() if isinstance(name, str) else None
    if path is None or not path.is_file():
        return None
    about = path.stat()
    return _digest(path, about.st_mtime_ns, about.st_size)


def other_weights(known: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Return in words whether a run began from other contents than its file has now.

    Args:
        known: metrics.json of the run; one that does not say what it began from is not told apart by it.
        config: of now, plain.
    """
    was, is_now = known.get(WEIGHTS), weights_digest(config)
    if None in (was, is_now) or was == is_now:
        return []
    return [f"the contents of model.weights={config['model']['weights']} were {was}, are {is_now}"]


@lru_cache(maxsize=64)  # the jobs of a sweep share few files
def _digest(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
