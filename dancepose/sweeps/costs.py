"""`Cost`: what the network of an arm costs, as it stands in a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Of one sample: a person, or a picture.

    Attributes:
        parameters: how many the network has.
        macs: multiply-accumulate operations of a forward pass.
        sample: what a sample is: `a picture of 256 x 256`.
        latency: batch size -> median and 90th percentile of a forward pass, milliseconds; empty if not asked.
        device: on which that was measured.
    """

    parameters: int
    macs: int
    sample: str
    latency: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    device: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        latency = {str(batch): {"p50_ms": p50, "p90_ms": p90} for batch, (p50, p90) in self.latency.items()}
        return {**vars(self), "latency": latency}


def told_count(count: int) -> str:
    """Return a large number in three digits: `23.5 M`."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)
