"""Figures by matplotlib without pyplot: no window, no state that threads or notebooks share.

It is imported where it is used, for it takes half a second.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def new_figure(width: float, height: float, dpi: int) -> Iterator[Figure]:
    """Make a figure in matplotlib's own style, whatever a matplotlibrc or a notebook has set.

    Args:
        width: inches.
        height: inches.
        dpi: pixels an inch.
    """
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it tells of its cache of fonts
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context("default"):
        figure = Figure((width, height), dpi, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def rgb(figure: Figure) -> np.ndarray:
    """Return a figure as (H, W, 3) uint8 RGB; inside `new_figure`, for drawing reads the style."""
    canvas: Any = figure.canvas
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3].copy()


def png(figure: Figure) -> bytes:
    """Return a figure as the content of a PNG file; inside `new_figure`, for drawing reads the style."""
    from matplotlib.image import imsave

    canvas: Any = figure.canvas
    canvas.draw()  # once; `savefig` draws a second time, for a layout that ours has by itself
    file = io.BytesIO()
    imsave(file, np.asarray(canvas.buffer_rgba()), format="png", dpi=figure.dpi)
    return file.getvalue()
