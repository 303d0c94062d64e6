"""One look for every picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#2f6f8f", "#c8553d", "#6a994e", "#8d6a9f", "#d9a441", "#5c677d", "#b56576")


class Canvas:
    """A figure of one plot and its PNG."""

    def __init__(self, title: str, unit: str) -> None:
        self._figure = Figure(figsize=(7.2, 3.2), dpi=90, layout="constrained")
        self.axes: Axes = self._figure.add_subplot()
        self.axes.set_title(title, loc="left", fontsize=10)
        self.axes.set_ylabel(unit, fontsize=8)
        self.axes.tick_params(labelsize=7)
        self.axes.grid(axis="y", alpha=0.3, linewidth=0.6)
        for side in ("top", "right"):
            self.axes.spines[side].set_visible(False)

    def png(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self._figure).print_png(buffer)
        return buffer.getvalue()


@contextmanager
def canvas(title: str, unit: str) -> Iterator[Canvas]:
    """A canvas whose legend is drawn when it is left."""
    made = Canvas(title, unit)
    yield made
    if made.axes.get_legend_handles_labels()[1]:
        made.axes.legend(fontsize=7, frameon=False, ncols=3)
