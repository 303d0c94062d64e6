"""What a check finds: passed or not, with the figure and its threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sigmasight_assets.calculations.materialize import Workshop


@dataclass(frozen=True)
class Outcome:
    """Result of a check.

    Attributes
    ----------
    passed : bool
    actual, threshold : float
        What was found and what is allowed.
    detail : str
        Sessions, symbols or portfolios concerned; empty when none.
    """

    passed: bool
    actual: float
    threshold: float
    detail: str = ""


Check = Callable[[Workshop, Sequence[date]], Outcome]
"""A check looks at the stored rows of some sessions."""


def none_allowed(found: Sequence[str], what: str) -> Outcome:
    """Passed when nothing was found."""
    shown = "; ".join(found[:20]) + (f"; and {len(found) - 20} more" if len(found) > 20 else "")
    return Outcome(not found, float(len(found)), 0.0, f"{what}: {shown}" if found else "")
