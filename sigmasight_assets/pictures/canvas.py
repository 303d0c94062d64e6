"""One look for every picture: title with sessions, unit on the axis, legend below the plot."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from sigmasight_assets.calculations.materialize import Workshop

COLOURS = ("#2f6f8f", "#c8553d", "#6a994e", "#8d6a9f", "#d9a441", "#5c677d", "#b56576")
STATUS_COLOURS = {
    "ok": "#2f6f8f",
    "model": "#8d6a9f",
    "appraisal": "#a3b18a",
    "stale": "#d9a441",
    "partial": "#e07a3f",
    "unavailable": "#c8553d",
    "missing": "#c8553d",
    "quarantined": "#7a1f1f",
}
LEAST_SESSIONS = 63
"""A run of fewer sessions is drawn with those before it: a single day makes no curve."""
FEW = 10
"""So few sessions are marked one by one."""


class Canvas:
    """A figure of one plot and its PNG."""

    def __init__(self, title: str, unit: str, height: float) -> None:
        self.figure = Figure(figsize=(7.2, height), dpi=90, layout="constrained")
        self.axes: Axes = self.figure.add_subplot()
        self.axes.set_title(title, loc="left", fontsize=10)
        self.axes.set_ylabel(unit, fontsize=8)
        self.axes.tick_params(labelsize=8)
        self.axes.grid(axis="y", alpha=0.3, linewidth=0.6)
        self.axes.set_axisbelow(True)
        for side in ("top", "right"):
            self.axes.spines[side].set_visible(False)

    def dates_along_x(self, days: Sequence[pd.Timestamp]) -> None:
        """Label the x axis with dates, few sessions one by one, and leave no empty years around them."""
        if len(days) <= FEW:
            self.axes.set_xticks(list(days), [f"{day:%d %b}" for day in days])
        else:
            locator = AutoDateLocator(minticks=3, maxticks=9)
            formats = ["%Y", "%b", "%d %b", "%d %b", "%d %b", "%d %b"]
            self.axes.xaxis.set_major_locator(locator)
            self.axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=formats, show_offset=False))
        margin = max(timedelta(days=1), (days[-1] - days[0]) * 0.01)
        self.axes.set_xlim(days[0] - margin, days[-1] + margin)  # type: ignore[arg-type]

    def lines(self, panel: pd.DataFrame, styles: Sequence[str] = COLOURS) -> None:
        """A line per column over the sessions of the index; few sessions are marked too."""
        marker = "o" if len(panel) <= FEW else None
        for (name, values), colour in zip(panel.items(), styles, strict=False):
            self.axes.plot(panel.index, values, color=colour, linewidth=1.4, marker=marker, markersize=3, label=str(name))
        self.dates_along_x(list(panel.index))

    def stacked_counts(self, counts: pd.DataFrame, colours: Mapping[str, str]) -> None:
        """Columns of counts stacked for each session of the index, in the order of `colours`."""
        ordered = [name for name in colours if name in counts]
        days = list(counts.index)
        bottom = pd.Series(0.0, index=counts.index)
        for name in ordered:
            if len(counts) <= FEW:
                self.axes.bar(days, counts[name], bottom=bottom, width=0.9, color=colours[name], label=name)
            else:
                self.axes.fill_between(days, bottom, bottom + counts[name], step="mid", color=colours[name], linewidth=0, label=name)
            bottom = bottom + counts[name]
        self.axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        self.axes.set_ylim(bottom=0)
        self.dates_along_x(days)

    def bars_across(self, labels: Sequence[str], groups: Mapping[str, Sequence[float]], number: str = "{x:,.0f}") -> None:
        """Horizontal bars, the first label on top, each with its figure."""
        height = 0.8 / len(groups)
        for k, ((name, values), colour) in enumerate(zip(groups.items(), COLOURS, strict=False)):
            place = [i + (k - (len(groups) - 1) / 2) * height for i in range(len(labels))]
            bars = self.axes.barh(place, values, height=height * 0.92, color=colour, label=name if len(groups) > 1 else None)
            self.axes.bar_label(bars, labels=[number.format(x=value) for value in values], fontsize=7, padding=2)
        self.axes.set_yticks(range(len(labels)), labels, fontsize=8)
        self.axes.invert_yaxis()
        self.axes.margins(x=0.12)
        self.axes.grid(axis="y", visible=False)
        self.axes.grid(axis="x", alpha=0.3, linewidth=0.6)
        self.axes.xaxis.set_major_formatter(StrMethodFormatter(number))
        self.axes.set_xlabel(self.axes.get_ylabel(), fontsize=8)
        self.axes.set_ylabel("")

    def png(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self.figure).print_png(buffer)
        return buffer.getvalue()


@contextmanager
def canvas(title: str, unit: str, height: float = 3.2) -> Iterator[Canvas]:
    """A canvas (height in inches) whose legend is drawn below the plot when it is left."""
    made = Canvas(title, unit, height)
    yield made
    handles, labels = made.axes.get_legend_handles_labels()
    if labels:
        made.figure.legend(handles, labels, loc="outside lower center", fontsize=8, frameon=False, ncols=3)


def drawn_sessions(shop: Workshop, sessions: Sequence[date]) -> tuple[date, date]:
    """First and last session that a picture covers: the run's, and at least `LEAST_SESSIONS` up to its last."""
    last = max(sessions)
    earlier: date = shop.calendar.days[max(0, shop.calendar.position(last) + 1 - LEAST_SESSIONS)].item()
    return min(min(sessions), earlier), last


def titled(what: str, days: Sequence[pd.Timestamp]) -> str:
    """A title with the first and the last session that there is something to show for."""
    first, last = f"{days[0]:%Y-%m-%d}", f"{days[-1]:%Y-%m-%d}"
    return f"{what}, {last}" if first == last else f"{what}, {first} to {last}"
