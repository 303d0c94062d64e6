"""What docs/stress-and-var.md says of the computed sessions: `python scripts/review_risk.py`, after `make demo`.

Exceptions of value at risk with their band, how much of the gross gain P&L explain leaves unexplained, and the ten largest residuals with
the lot behind each and what happened to it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.held_through import day_rows
from sigmasight_assets.calculations.pnl_attribution import explain_rows
from sigmasight_assets.calculations.positions import portfolios_of
from sigmasight_assets.calculations.reader import Reader, reading
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.store.tables import pnl_attribution, portfolios, var_exceptions

LARGEST = 10


def exceptions(reader: Reader) -> None:
    e = var_exceptions.c
    last = reader.frame(select(e.session).order_by(e.session.desc()).limit(1))["session"].iloc[0].date()
    query = select(portfolios.c.slug, var_exceptions).where(portfolios.c.id == e.portfolio_id, e.session == last)
    print(f"Losses beyond the value at risk of the day before, to {last}")
    for row in reader.frame(query.order_by(portfolios.c.slug, e.level)).itertuples():
        band = f"{row.band_low} to {row.band_high}"
        print(f"  {row.slug:<38} {row.level} %  {row.n_exceptions:>3} of {row.n_obs}, band {band:<8} Kupiec p {row.kupiec_p_value:.4f}")


def residuals(reader: Reader) -> pd.DataFrame:
    """How much is unexplained, and the days of the largest residuals."""
    a = pnl_attribution.c
    rows = reader.frame(select(pnl_attribution, portfolios.c.slug).where(portfolios.c.id == a.portfolio_id))
    rows["share"] = rows["explain_residual"].abs() / rows["pnl_gross"]
    with_options = rows[(rows[["explain_gamma", "explain_vega", "explain_theta", "explain_rho"]] != 0.0).any(axis=1)]
    print(f"\n|residual| of P&L explain over the gross gain, {rows['session'].nunique()} sessions, {len(rows)} portfolio-sessions")
    for name, part in (("all", rows), ("with options", with_options)):
        told = ", ".join(f"{label} {part['share'].quantile(q):.4%}" for label, q in (("median", 0.5), ("90 %", 0.9), ("largest", 1.0)))
        print(f"  {name:<13} {len(part):>4}: {told}")
    return rows.reindex(rows["explain_residual"].abs().sort_values(ascending=False).index).head(LARGEST)


def causes(reader: Reader, largest: pd.DataFrame) -> None:
    """The lot that leaves most unexplained on each of the days."""
    print(f"\nThe {LARGEST} largest residuals, USD, and the lot behind each")
    ids = portfolios_of(reader, None)
    for day in largest.to_dict("records"):
        _, rows = next(day_rows(reader, reader.positions([day["session"].date()]), ids))
        explained, moves, _ = explain_rows(reader, rows)
        mine = (rows.now["portfolio_id"] == day["portfolio_id"]).to_numpy()
        lot = int(np.argmax(np.where(mine, np.abs(explained.residual), -1.0)))
        now = rows.now.iloc[lot]
        what = f"underlying {moves.underlying[lot]:+.1%}, volatility {100 * moves.volatility[lot]:+.1f} points"
        print(
            f"  {day['session']:%Y-%m-%d} {day['slug']:<36} {day['explain_residual']:>8,.0f} of {day['pnl_gross']:>9,.0f} gross  "
            f"{now['symbol']:<20} {explained.residual[lot]:>7,.0f}  {what}"
        )


def main() -> None:
    desk = open_desk()
    with reading(desk.database, desk.calendar) as reader:
        exceptions(reader)
        causes(reader, residuals(reader))


if __name__ == "__main__":
    main()
