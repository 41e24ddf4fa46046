"""The hash of what decides a run's result: by it a sweep knows which of its jobs are done."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dancepose import __version__
from dancepose.run_keys import NOT_HASHED_ANYWHERE, keys_not

NOT_HASHED = keys_not("hashed")  # do not change what a run computes


def config_hash(config: Mapping[str, Any], data_hash: str) -> str:
    """Hash what decides a run's result: the config less paths and names, the data, the package version.

    Returns:
        16 hexadecimal digits.
    """

    def strip(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: strip(v) for k, v in value.items() if k not in NOT_HASHED_ANYWHERE}
        return [strip(v) for v in value] if isinstance(value, (list, tuple)) else value

    kept = {k: strip(v) for k, v in config.items() if k not in NOT_HASHED}
    text = json.dumps([kept, data_hash, __version__], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
