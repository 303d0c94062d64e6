"""Pictures of a report as inline SVG, drawn from the figures of its own tables: the same rows give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sigmasight_assets.reports.markdown import shown
from sigmasight_assets.reports.texts import one_line

WIDTH, LEFT, RIGHT = 720.0, 190.0, 74.0
"""Of the drawing, of its labels, and of the room for figures at the end of bars."""
LINE, BAR = 22.0, 8.0
COLOURS = ("#2f6f8f", "#c8553d", "#6a994e")


@dataclass(frozen=True)
class Series:
    """Values to draw, None where there is none; `spread` is what is drawn either way of each."""

    name: str
    values: Sequence[float | None]
    spread: Sequence[float | None] | None = None


def bars(title: str, labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """Horizontal bars from zero, a line for each label, each bar with its figure."""
    low, high = _reach(series)
    height = 34.0 + len(labels) * _step(series)
    parts = [_axis(_place(0.0, low, high), 28.0, height - 4.0)]
    for i, label in enumerate(labels):
        top = 32.0 + i * _step(series)
        parts.append(_text(LEFT - 8.0, top + _step(series) / 2 + 3.0, _shortened(label), "end"))
        for k, one in enumerate(series):
            value = one.values[i]
            if value is None:
                continue
            y, zero, end = top + 3.0 + k * (BAR + 1.0), _place(0.0, low, high), _place(value, low, high)
            parts.append(_rect(min(zero, end), y, abs(end - zero), BAR, COLOURS[k % len(COLOURS)]))
            spread = None if one.spread is None else one.spread[i]
            tip = end
            if spread is not None:
                first, last = _place(value - spread, low, high), _place(value + spread, low, high)
                parts.append(f'<path d="M{first:.1f} {y + BAR / 2:.1f}H{last:.1f}" stroke="currentColor"/>')
                tip = last if value >= 0.0 else first
            parts.append(_figure(tip, y + BAR, value, unit))
    return _drawing(title, height, series, parts)


def line(title: str, labels: Sequence[str], series: Series, unit: str) -> str:
    """A line over equal steps, its ends labelled, its lowest and highest value told."""
    known = [(i, value) for i, value in enumerate(series.values) if value is not None]
    if len(known) < 2:
        return ""
    values = [value for _, value in known]
    low, high = min(values), max(values)
    width, top, bottom = WIDTH - LEFT - RIGHT, 34.0, 150.0

    def at(i: int, value: float) -> tuple[float, float]:
        part = 0.5 if high == low else (value - low) / (high - low)
        return LEFT + width * i / max(1, len(series.values) - 1), bottom - (bottom - top) * part

    path = "M" + "L".join("{:.1f} {:.1f}".format(*at(i, value)) for i, value in known)
    parts = [
        f'<path d="{path}" fill="none" stroke="{COLOURS[0]}" stroke-width="1.6"/>',
        _text(LEFT - 8.0, top + 4.0, shown(high, unit), "end"),
        _text(LEFT - 8.0, bottom + 4.0, shown(low, unit), "end"),
        _text(LEFT, bottom + 20.0, labels[0], "start"),
        _text(LEFT + width, bottom + 20.0, labels[-1], "end"),
    ]
    return _drawing(title, bottom + 28.0, [series], parts)


def _step(series: Sequence[Series]) -> float:
    return max(LINE, len(series) * (BAR + 1.0) + 8.0)


def _reach(series: Sequence[Series]) -> tuple[float, float]:
    """Lowest and highest value that is drawn, zero among them."""
    ends = [0.0]
    for one in series:
        for i, value in enumerate(one.values):
            if value is not None and math.isfinite(value):
                spread = (one.spread[i] if one.spread is not None else None) or 0.0
                ends += [value - spread, value + spread]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low, low + 1.0)


def _place(value: float, low: float, high: float) -> float:
    """Where a value lies across; figures of falling bars have room on the left as those of rising ones on the right."""
    first = LEFT + (RIGHT if low < 0.0 else 0.0)
    return first + (WIDTH - RIGHT - first) * (value - low) / (high - low)


def _axis(x: float, top: float, bottom: float) -> str:
    return f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="currentColor" stroke-opacity="0.5"/>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}"/>'


def _figure(x: float, y: float, value: float, unit: str) -> str:
    return _text(x + 4.0, y, shown(value, unit), "start") if value >= 0.0 else _text(x - 4.0, y, shown(value, unit), "end")


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(one_line(words))}</text>'


def _shortened(label: str, most: int = 30) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def _drawing(title: str, height: float, series: Sequence[Series], parts: Sequence[str]) -> str:
    legend = [
        f'<tspan fill="{COLOURS[k % len(COLOURS)]}" dx="14">■</tspan><tspan dx="4">{escape(one.name)}</tspan>'
        for k, one in enumerate(series)
        if len(series) > 1
    ]
    head = f'<text x="0" y="14" class="title">{escape(one_line(title))}{"".join(legend)}</text>'
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(one_line(title))}" fill="currentColor">'
        f"{head}{''.join(parts)}</svg>"
    )
