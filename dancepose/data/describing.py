"""What the data of a run are called."""

from collections.abc import Mapping
from typing import Any


def describe(data: Mapping[str, Any]) -> str:
    """Name the data of a run in a result row: kind and place, what was drawn, or the parts of a mix."""
    if data.get("parts"):
        return "mix of " + ", ".join(f"{name} ({part.get('kind')})" for name, part in data["parts"].items())
    if scenes := data.get("scenes"):
        return f"drawn {scenes.get('difficulty')} scenes"
    return f"{data.get('kind')} {data.get('annotations') or data.get('root')}"
