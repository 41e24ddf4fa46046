"""What a range test of the learning rate measured: its curve, the rate it suggests, its picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dancepose.inference.figure import new_figure, png

SMOOTH = 0.03  # of the tested range of rates: standard deviation of the smoothing
FALL = 0.02  # share of the loss by which the curve has to fall at least, or there is nothing to suggest
NOISE = 5.0  # standard errors of the smoothed loss by which it has to fall: noise alone spans about 3


@dataclass
class RateCurve:
    """Losses at rising learning rates.

    Attributes:
        rates: of each step, rising.
        losses: of each step, as they came; finite.
        diverged: whether the test ended early, since the loss rose far above its least.
    """

    rates: Sequence[float]
    losses: Sequence[float]
    diverged: bool = False

    @property
    def smooth(self) -> list[float]:
        """The losses, each the mean of its neighbours: centred, so that no fall is moved to a higher rate."""
        losses = np.asarray(self.losses)
        steps = np.arange(len(losses))
        weights = np.exp(-0.5 * ((steps[:, None] - steps[None]) / self._width) ** 2)
        return (weights @ losses / weights.sum(axis=1)).tolist()

    @property
    def _width(self) -> float:
        """Standard deviation of the smoothing in steps."""
        return max(1.0, SMOOTH * len(self.losses))

    @property
    def lowest(self) -> float | None:
        """The rate at which the smoothed loss is least."""
        return self.rates[int(np.argmin(self.smooth))] if len(self.losses) else None

    @property
    def suggestion(self) -> float | None:
        """The rate at which the loss falls fastest per decade; None where it falls no more than its noise.

        Lightning's own suggestion takes the slope over the rate itself: the tiny steps between tiny rates
        then make any noise the steepest fall.
        """
        smooth = np.asarray(self.smooth)
        if len(smooth) < 4:
            return None
        least = int(np.argmin(smooth))
        before = smooth[: least + 1]
        if least < 2:
            return None
        spread = float(np.std(np.asarray(self.losses[: least + 1]) - before))
        error = spread / math.sqrt(2 * math.sqrt(math.pi) * self._width)  # of a mean with Gaussian weights
        if before.max() - before[-1] < max(FALL * abs(before.max()), NOISE * error):
            return None
        slopes = np.gradient(before, np.log10(self.rates[: least + 1]))
        return self.rates[int(np.argmin(slopes))]

    def png(self, now: float | None = None) -> bytes:
        """Draw loss against rate, the suggestion marked.

        Args:
            now: the configured rate, marked too.

        Returns:
            A PNG file.
        """
        with new_figure(8, 5, 120) as figure:
            axes = figure.add_subplot()
            smooth = self.smooth
            axes.plot(self.rates, self.losses, color="0.75", linewidth=1, label="loss of each step")
            axes.plot(self.rates, smooth, color="tab:blue", linewidth=2, label="smoothed")
            suggestion = self.suggestion
            if suggestion is not None:
                at = smooth[self.rates.index(suggestion)]
                axes.plot([suggestion], [at], "o", color="tab:red", markersize=9)
                axes.annotate(
                    f"optimizer.lr={suggestion:.1e}",
                    (suggestion, at),
                    xytext=(8, 8),
                    textcoords="offset points",
                    color="tab:red",
                )
            if now is not None:
                axes.axvline(now, color="0.4", linestyle="--", linewidth=1, label=f"configured: {now:g}")
            axes.set_xscale("log")
            low, high = min(smooth), max(smooth[: max(2, len(smooth) // 2)])
            room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
            axes.set_ylim(
                low - room, high + 3 * room
            )  # what diverges at the end would flatten everything else
            axes.set_xlabel("learning rate")
            axes.set_ylabel("training loss")
            axes.grid(alpha=0.3)
            axes.legend(loc="upper left")
            return png(figure)


def unsmoothed(averages: Sequence[float], beta: float) -> list[float]:
    """Return the losses behind Lightning's running averages, up to the first that is no finite number.

    Its callback divides the average of step t (from 1) by 1 - beta^(t+1), one power too far, so that the
    first values are about half the loss and its curve begins with a rise that is not there.

    Args:
        averages: one for each step.
        beta: share of the old average kept in each step.
    """
    losses, before = [], 0.0
    for step, average in enumerate(averages, start=1):
        raw = average * (1 - beta ** (step + 1))
        loss = (raw - beta * before) / (1 - beta)
        if not math.isfinite(loss):
            break
        losses.append(loss)
        before = raw
    return losses
