"""What a profiled training says: the phases of a step, its slowest operators, and where to begin."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# in the order of a step
PHASES = {
    "data": "waiting for data",
    "move": "moving it, drawing targets",
    "forward": "forward",
    "loss": "loss",
    "backward": "backward",
    "optimizer": "optimizer, average",
    "other": "other",
}
NETWORK = ("forward", "loss", "backward", "optimizer")
WAITS = 0.15  # share of a step from which waiting for data is worth mending
MOST = 0.6  # share from which the network is what takes the time


@dataclass
class Operator:
    """An operator of the traced steps.

    Attributes:
        name: as torch calls it.
        calls: in a step.
        ms: of its own, without the operators that it calls, in a step; on a GPU the time of its kernels.
        share: of all operators' own time.
    """

    name: str
    calls: float
    ms: float
    share: float


@dataclass
class Profile:
    """Where the time of a training step goes.

    Attributes:
        seconds: phase -> time in all measured steps together; their sum is the time that the steps took.
        steps: steps that were measured.
        images: pictures of a step, on this device.
        device: `cpu`, `cuda:0 NVIDIA H100`, ...
        workers: data worker processes; None where they are not known.
        operators: the slowest first.
    """

    seconds: Mapping[str, float]
    steps: int
    images: int
    device: str
    workers: int | None
    operators: Sequence[Operator] = field(default=())

    @property
    def step_ms(self) -> float:
        """Milliseconds of a step."""
        return 1000 * sum(self.seconds.values()) / self.steps

    @property
    def shares(self) -> dict[str, float]:
        """Phase -> share of a step."""
        total = sum(self.seconds.values()) or 1.0
        return {phase: self.seconds.get(phase, 0.0) / total for phase in PHASES}

    def verdict(self) -> str:
        """Say in a line where to begin."""
        shares = self.shares
        waiting = f"waiting for data: {shares['data']:.0%} of a step"
        if shares["data"] >= WAITS:
            if not self.workers:
                remedy = "the samples are made in the training's own process: raise data.workers"
            else:
                remedy = f"raise data.workers (now {self.workers}), if the machine has the cores"
            return f"{waiting}; {remedy}"
        if sum(shares[phase] for phase in NETWORK) >= MOST:
            return f"{waiting}; the network is the bottleneck"
        most = max((phase for phase in PHASES if phase != "data"), key=lambda phase: shares[phase])
        return f"{waiting}; the greatest share: {PHASES[most]}, {shares[most]:.0%}"

    def text(self) -> str:
        """Return phases and operators as tables, the verdict as last line."""
        rate = 1000 * self.images / self.step_ms
        lines = [
            f"{self.steps} steps of {self.images} pictures on {self.device}: {self.step_ms:.1f} ms a step, "
            f"{rate:.1f} images/s",
            "",
            f"{'phase':<28}{'ms a step':>10}{'share':>8}",
        ]
        for phase, share in self.shares.items():
            lines.append(f"{PHASES[phase]:<28}{share * self.step_ms:>10.2f}{share:>8.1%}")
        lines.append(f"{'a step':<28}{self.step_ms:>10.2f}{1:>8.1%}")
        if self.operators:
            width = max(28, *(len(operator.name) + 2 for operator in self.operators))
            lines += ["", f"{'operator (own time)':<{width}}{'ms a step':>10}{'share':>8}{'calls':>8}"]
            lines += [f"{o.name:<{width}}{o.ms:>10.2f}{o.share:>8.1%}{o.calls:>8.0f}" for o in self.operators]
        return "\n".join([*lines, "", self.verdict()])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        phases = {phase: {"ms": share * self.step_ms, "share": share} for phase, share in self.shares.items()}
        return {
            "device": self.device,
            "steps": self.steps,
            "images": self.images,
            "workers": self.workers,
            "step_ms": self.step_ms,
            "phases": phases,
            "operators": [asdict(operator) for operator in self.operators],
            "verdict": self.verdict(),
        }
