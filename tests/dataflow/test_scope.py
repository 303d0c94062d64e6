"""Runs scoped to portfolios leave the others alone; bad symbols and portfolios stay with themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolio_snapshots, position_values
from tests.support.books import SPINE_STEPS, Lot, add_book, run_all, run_book, workshop
from tests.support.rows import records, state, stored
from tests.support.small_market import SmallMarket

DAYS = [date(2022, 3, day) for day in (3, 4, 7, 8, 9)]
BOOK = DAYS[2:]


def test_a_scoped_run_leaves_other_portfolios_alone(database: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [10.0, 10.0, 11.0, 12.0, 13.0]})
    mine = add_book(database, [Lot("A", 10, 9, DAYS[0])], cash=0, as_of=BOOK[-1], name="mine")
    other = add_book(database, [Lot("A", -5, 9, DAYS[0])], cash=0, as_of=BOOK[-1], name="other")
    everybody = workshop(database, calendar, market)
    run_all(everybody, DAYS, BOOK, SPINE_STEPS)
    tables = ("opening_cash", "position_values", "portfolio_snapshots")
    before = {table: records(database, table).set_index("portfolio_id") for table in tables}
    market.closes["A"] = [10.0, 10.0, 11.0, 12.5, 13.0]
    materialize.prices(everybody, [BOOK[1]])
    run_book(replace(everybody, portfolios=[mine.id], run_id="scoped"), BOOK, SPINE_STEPS)
    for table, old in before.items():
        new = records(database, table).set_index("portfolio_id")
        assert new.loc[[other.id]].equals(old.loc[[other.id]])
        assert set(new.loc[[mine.id], "run_id"]) == {"scoped"}
    values_alone = ["opening_cash", "position_values"]  # nothing here computes the factor model, which the snapshots show
    stale = stale_rows(database, calendar, market, tables=values_alone)
    assert set(stale["portfolio_id"]) == {other.id}  # currency is judged by portfolio
    values = stored(database, position_values)
    priced = {(row.portfolio_id, row.session.date()): row.price for row in values.itertuples()}
    assert (priced[mine.id, BOOK[1]], priced[other.id, BOOK[1]]) == (12.5, 12.0)
    run_book(everybody, BOOK, SPINE_STEPS)
    assert stale_rows(database, calendar, market, tables=values_alone).empty


def test_a_scope_that_names_nobody_writes_nothing(sqlite: Database, calendar: SessionCalendar) -> None:
    market = SmallMarket(DAYS, {"A": [1.0] * 5})
    add_book(sqlite, [Lot("A", 1, 1, DAYS[0])], cash=0, as_of=BOOK[-1])
    run_all(workshop(sqlite, calendar, market), DAYS, BOOK, SPINE_STEPS)
    before = state(sqlite)
    run_book(replace(workshop(sqlite, calendar, market), portfolios=[]), BOOK, SPINE_STEPS)
    assert state(sqlite) == before


def test_one_bad_symbol_and_one_bad_portfolio_change_only_their_own_rows(sqlite: Database, calendar: SessionCalendar) -> None:
    # one unknown symbol failed a whole product's run; here its rows are `missing` and everything else is what it was
    market = SmallMarket(DAYS, {"A": [10.0, 10.0, 11.0, 12.0, 13.0]})
    good = add_book(sqlite, [Lot("A", 10, 9, DAYS[0])], cash=0, as_of=BOOK[-1], name="good")
    run_all(workshop(sqlite, calendar, market), DAYS, BOOK, SPINE_STEPS)
    alone = stored(sqlite, portfolio_snapshots)
    bad = add_book(sqlite, [Lot("NONE", 5, 20, DAYS[0]), Lot("NONE220318C00010000", 1, 2, DAYS[0])], cash=0, as_of=BOOK[-1], name="bad")
    run_all(workshop(sqlite, calendar, market), DAYS, BOOK, SPINE_STEPS)
    together = stored(sqlite, portfolio_snapshots)
    mine = together[together["portfolio_id"] == good.id].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone)
    theirs = together[together["portfolio_id"] == bad.id]
    assert theirs["status"].unique().tolist() == ["partial"]
    rows = stored(sqlite, position_values)
    lost = rows[rows["portfolio_id"] == bad.id]
    assert lost["price_status"].unique().tolist() == ["missing"]
    assert np.isnan(lost["market_value"]).all()
    assert lost["reason"].notna().all()
    recorded = records(sqlite, "position_values").set_index("portfolio_id")["status"]
    assert recorded.loc[good.id].tolist() == ["ok"] * 3
    assert recorded.loc[bad.id].tolist() == ["unavailable"] * 3


def test_a_lagging_symbol_is_a_row_that_says_so_and_is_filled_by_the_next_run(sqlite: Database, calendar: SessionCalendar) -> None:
    # a global watermark ("prices are there up to Wednesday") left lagging symbols unfilled while coverage said 100 %
    market = SmallMarket(DAYS, {"A": [10.0, 10.0, 11.0, 12.0, 13.0], "B": [5.0, 5.0, 5.0, None, None]})
    add_book(sqlite, [Lot("A", 1, 9, DAYS[0]), Lot("B", 1, 5, DAYS[0])], cash=0, as_of=BOOK[-1])
    shop = workshop(sqlite, calendar, market)
    run_all(shop, DAYS, BOOK, SPINE_STEPS)
    recorded = records(sqlite, "prices").set_index("session")
    assert recorded.loc[[pd.Timestamp(day) for day in BOOK], ["status", "reason"]].to_numpy().tolist() == [
        ["ok", None],
        ["partial", "no_price"],
        ["partial", "no_price"],
    ]
    assert stored(sqlite, portfolio_snapshots)["status"].tolist() == ["ok", "stale", "stale"]
    market.closes["B"] = [5.0, 5.0, 5.0, 6.0, 7.0]
    run_all(shop, DAYS, BOOK, SPINE_STEPS)
    assert records(sqlite, "prices")["status"].unique().tolist() == ["ok"]
    assert stored(sqlite, portfolio_snapshots)["status"].tolist() == ["ok"] * 3
