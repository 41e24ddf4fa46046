"""What tests of sweeps ask of a sweep's folder and of its processes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def statuses(sweep: Path) -> dict[str, str]:
    """Return each job's name without its digits -> how it stands; nothing before the first is told of."""
    file = sweep / "sweep.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    return {name.rpartition("_")[0]: entry["status"] for name, entry in found.items()}


def until(condition: Callable[[], Any], seconds: float = 60.0, told: Callable[[], str] = str) -> Any:
    """Wait for something that is true and return it; if it does not come, fail with what there is to tell."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"it does not come. {told()}"
        time.sleep(0.02)
    return found


def alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """Return what some thread of a process has started, oldest first; of one that is gone nothing."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return sorted(found)
