"""Matrices as heat maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sigmasight_assets.engines.arrays import Array

NUMBERS_UP_TO = 16
"""Names up to which each cell carries its number."""


def draw_matrix(axes: Axes, matrix: Array, names: Sequence[str]) -> None:
    """Correlations from -1 (red) over 0 (white) to 1 (blue); absent pairs are grey."""
    axes.set_facecolor("#dddddd")
    axes.imshow(np.ma.masked_invalid(matrix), cmap="RdBu", vmin=-1.0, vmax=1.0, aspect="auto")
    axes.grid(visible=False)
    size = 6 if len(names) <= NUMBERS_UP_TO else 5
    axes.set_xticks(range(len(names)), list(names), rotation=45, ha="right", fontsize=size)
    axes.set_yticks(range(len(names)), list(names), fontsize=size)
    if len(names) <= NUMBERS_UP_TO:
        for i, j in np.argwhere(np.isfinite(matrix)):
            colour = "white" if abs(matrix[i, j]) > 0.6 else "black"
            axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=5, color=colour)
