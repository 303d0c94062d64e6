"""What deserves a look, each with the rule that raised it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from sigmasight_assets.reports.risk_attention import expiring_soon, risk_remarks
from sigmasight_assets.reports.words import explained, listed

if TYPE_CHECKING:
    from sigmasight_assets.reports.inputs import Inputs

LARGE_NAME = 0.15
"""Share of NAV from which one underlying's delta is worth a remark."""
LARGE_LOSS = 0.03
"""Loss of a day, as a share of NAV, that is."""
OLD_MARK_DAYS = 180
"""Calendar days after which an appraisal is old."""


def needs_attention(inputs: Inputs) -> tuple[str, ...]:
    """Remarks, gravest first."""
    held = inputs.positions[inputs.positions["event"].isna()]
    return (
        *_faults(inputs),
        *_bets(inputs, held),
        *risk_remarks(inputs),
        *_doubtful_prices(inputs, held),
        *_uncovered(inputs),
        *expiring_soon(inputs, held),
        *_options(inputs, held),
    )


def _faults(inputs: Inputs) -> Iterator[str]:
    row = inputs.snapshot
    if pd.isna(row["nav"]):
        yield f"NAV is not known: {explained(row['reason'])} (rule: NAV is NULL)."
    if row["n_missing"] > 0:
        yield f"{_lots(row['n_missing'])} without a price; their value is in no total (rule: price_status is missing)."
    unpriced = int((inputs.positions["event"] == "settled_unpriced").sum())
    if unpriced:
        yield f"{_lots(unpriced)} settled without a price of the underlying (rule: event is settled_unpriced)."


def _bets(inputs: Inputs, held: pd.DataFrame) -> Iterator[str]:
    row = inputs.snapshot
    if row["cash"] < 0:
        yield f"cash is {row['cash']:,.0f}: the book is on margin (rule: cash below 0)."
    if row["daily_return"] <= -LARGE_LOSS:
        yield f"the day cost {-row['daily_return']:.1%} of NAV (rule: {LARGE_LOSS:.0%} or more)."
    if row["nav"] > 0:
        delta = held.groupby("underlying")["delta_dollars"].sum() / row["nav"]
        large = delta[delta.abs() >= LARGE_NAME].sort_values(key=abs, ascending=False, kind="stable")
        if len(large):
            shares = listed([f"{name} {share:.0%}" for name, share in large.items()])
            yield f"names with a large delta, of NAV: {shares} (rule: {LARGE_NAME:.0%} or more)."


def _doubtful_prices(inputs: Inputs, held: pd.DataFrame) -> Iterator[str]:
    stale = held.loc[held["price_status"] == "stale", "symbol"]
    if len(stale):
        yield f"{_lots(len(stale))} at an older close: {listed(sorted(set(stale)))} (rule: price_status is stale, at most 5 sessions old)."
    age = (pd.Timestamp(inputs.session) - held["price_date"]).dt.days
    old = held[(held["price_status"] == "appraisal") & (age > OLD_MARK_DAYS)]
    if len(old):
        names = listed(sorted(set(old["symbol"])))
        yield f"{_lots(len(old))}, worth {old['market_value'].sum():,.0f}, at old marks: {names} (rule: older than {OLD_MARK_DAYS} days)."
    modelled = int((held["price_status"] == "model").sum())
    if modelled:
        yield f"{modelled} option lot{'' if modelled == 1 else 's'} valued by the model, for want of a quote (rule: price_status is model)."


def _uncovered(inputs: Inputs) -> Iterator[str]:
    covered = inputs.snapshot["factor_coverage"]
    if covered < 1.0:
        why = explained(inputs.snapshot["factor_reason"])
        yield f"betas, scenarios and predicted risk are of {covered:.0%} of the gross exposure: {why} (rule: factor_coverage below 1)."


def _options(inputs: Inputs, held: pd.DataFrame) -> Iterator[str]:
    bound = inputs.options.set_index("symbol")["early_exercise_value_bound"]
    missed = (held["quantity"].abs() * held["multiplier"] * held["symbol"].map(bound)).sum()
    if missed >= 1.0:
        yield f"American options are priced below their exercise value by {missed:,.0f} in all (rule: they are priced as European)."


def _lots(n: int) -> str:
    return f"{n} open lot{'' if n == 1 else 's'}"
