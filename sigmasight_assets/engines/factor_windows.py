"""How much history the factor model wants (docs/conventions.md §6), by itself: who only says so loads no engine."""

from __future__ import annotations

WINDOW = 252
"""Sessions."""
MIN_OBSERVATIONS = 60
FULL_HISTORY = 240
"""Observations from which a beta is called one of full history."""
