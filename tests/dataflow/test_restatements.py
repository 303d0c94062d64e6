"""A vendor corrects a price: what was stored is kept, exactly what depends on it is stale, and is computed anew."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.calculations.refreshing import Refresh, next_refreshes
from sigmasight_assets.calculations.source_changes import changed_at_source
from sigmasight_assets.ledger.changes import record_change, unprocessed
from sigmasight_assets.providers.protocol import Answer
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import materializations, portfolios, restatements
from tests.support.books import Lot, add_book, positions, run_all, snapshots, workshop
from tests.support.command_line import CommandLine
from tests.support.small_market import SmallMarket

FIRST, LAST = date(2022, 2, 1), date(2022, 4, 29)


def market(calendar: SessionCalendar, **changes: float) -> SmallMarket:
    """A and B, 62 sessions of 10 and 20; `changes` are closes of A by day (d0315 is 15 March)."""
    days = calendar.between(FIRST, LAST)
    line: list[float | None] = [10.0 + 0.1 * i for i in range(len(days))]
    for name, close in changes.items():
        line[days.index(date(2022, int(name[1:3]), int(name[3:])))] = close
    return SmallMarket(days, {"A": line, "B": [20.0] * len(days)})


def records(database: Database) -> pd.DataFrame:
    m = materializations.c
    rows = database.frame(select(m.table_name, m.session, m.portfolio_id, m.computed_at, m.changed_at, m.run_id))
    return rows.set_index(["table_name", "session", "portfolio_id"]).sort_index()


def apply(shop: Workshop, refresh: Refresh) -> None:
    """What the run of a refresh does, without Dagster."""
    scoped = Workshop(shop.database, shop.calendar, shop.provider, shop.run_id, refresh.portfolio_ids)
    sessions = shop.calendar.between(refresh.first, refresh.last)
    for table in refresh.tables:
        if table in ("opening_cash", "security_master"):
            getattr(materialize, table)(scoped)
        else:
            getattr(materialize, table)(scoped, sessions)


def refresh_all(shop: Workshop, sessions: Sequence[date]) -> list[Refresh]:
    """Phase by phase until nothing is stale; the runs that were made."""
    everybody = sorted(shop.database.frame(select(portfolios.c.id))["id"])
    made: list[Refresh] = []
    while found := next_refreshes(stale_rows(shop.database, shop.calendar, shop.provider), sessions, everybody):
        assert len(made) < 20
        for refresh in found:
            apply(shop, refresh)
        made += found
    return made


def test_old_and_new_value_are_kept_with_the_run_that_saw_them(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(FIRST, LAST)
    materialize.prices(workshop(database, calendar, market(calendar), run_id="first"), days)
    assert database.frame(select(restatements)).empty  # what is new is no correction
    materialize.prices(workshop(database, calendar, market(calendar), run_id="again"), days)
    assert database.frame(select(restatements)).empty
    materialize.prices(workshop(database, calendar, market(calendar, d0315=99.0), run_id="correction"), days)
    rows = database.frame(select(restatements).order_by(restatements.c.field.desc()))
    day = days.index(date(2022, 3, 15))
    assert rows[["table_name", "symbol", "field", "run_id"]].to_numpy().tolist() == [
        ["prices", "A", "close", "correction"],
        ["prices", "A", "adj_close", "correction"],
    ]
    assert rows["session"].dt.date.tolist() == [days[day], days[day]]
    assert rows["old_value"].tolist()[0] == pytest.approx(10.0 + 0.1 * day)
    assert rows["new_value"].tolist()[0] == 99.0


def test_a_withdrawn_price_is_kept_and_a_late_one_has_no_old_value(sqlite: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(FIRST, LAST)
    withdrawn = market(calendar)
    withdrawn.closes["A"] = [None if day == date(2022, 3, 15) else close for day, close in zip(days, withdrawn.closes["A"], strict=True)]
    materialize.prices(workshop(sqlite, calendar, market(calendar)), days)
    materialize.prices(workshop(sqlite, calendar, withdrawn), days)
    materialize.prices(workshop(sqlite, calendar, market(calendar)), days)
    rows = sqlite.frame(select(restatements).where(restatements.c.field == "close").order_by(restatements.c.id))
    assert rows["new_value"].isna().tolist() == [True, False]
    assert rows["old_value"].isna().tolist() == [False, True]


def test_rescaled_adjusted_closes_are_one_record(sqlite: Database, calendar: SessionCalendar) -> None:
    # a dividend makes the vendor multiply every earlier adjusted close by 0.98: one record says so, not sixty
    days = calendar.between(FIRST, LAST)

    class Rescaled(SmallMarket):
        def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
            answer = super().prices(sessions, symbols)
            early = (answer.frame["symbol"] == "A") & (answer.frame["session"] < pd.Timestamp(2022, 4, 11))
            answer.frame.loc[early, "adj_close"] *= 0.98
            return answer

    plain = market(calendar)
    materialize.prices(workshop(sqlite, calendar, plain), days)
    materialize.prices(workshop(sqlite, calendar, Rescaled(plain.sessions, plain.closes)), days)
    rows = sqlite.frame(select(restatements))
    assert rows["session"].dt.date.tolist() == [FIRST]
    assert rows["new_value"].iloc[0] / rows["old_value"].iloc[0] == pytest.approx(0.98)


def test_exactly_the_affected_row_sets_become_stale_and_are_computed_anew(database: Database, calendar: SessionCalendar) -> None:
    # A's close of 15 March is corrected; one book holds A from 1 March to the 25th, the other one only B
    days = calendar.between(FIRST, LAST)
    book = calendar.between(date(2022, 2, 10), LAST)
    add_book(database, [Lot("A", 10, 10, date(2022, 3, 1), date(2022, 3, 25), 12)], cash=100, as_of=LAST, name="holds-a")
    add_book(database, [Lot("B", 10, 20, date(2022, 3, 1))], cash=100, as_of=LAST, name="holds-b")
    run_all(workshop(database, calendar, market(calendar)), days, book)
    shop = workshop(database, calendar, market(calendar, d0315=99.0), run_id="correction")
    assert stale_rows(database, calendar, shop.provider).empty
    before, values = records(database), snapshots(database)
    materialize.prices(shop, [date(2022, 3, 15)])
    stale = stale_rows(database, calendar, shop.provider)
    direct = stale[(stale["table"] == "position_values") & (stale["cause"] == "input_changed")]
    affected = sorted(direct["session"].dt.date.unique())
    assert affected == calendar.between(date(2022, 3, 15), calendar.offset(date(2022, 3, 15), 6))  # carried five sessions, and t - 1
    assert min(stale.loc[stale["table"] == "portfolio_snapshots", "session"].dt.date) == date(2022, 2, 10)  # while C0 is in doubt
    made = refresh_all(shop, days)
    assert stale_rows(database, calendar, shop.provider).empty
    spans = {(table, refresh.first, refresh.last) for refresh in made for table in refresh.tables}
    assert ("opening_cash", LAST, LAST) in spans
    assert ("position_values", affected[0], affected[-1]) in spans
    assert min(first for table, first, _ in spans if table == "portfolio_snapshots") == date(2022, 3, 15)  # C0 came out as it was
    after = records(database)
    touched = after.index[after["computed_at"] != before["computed_at"].reindex(after.index)]
    untouched = after.index.difference(touched)
    assert {(table, session.date()) for table, session, _ in touched if table == "prices"} == {("prices", date(2022, 3, 15))}
    assert all(session >= pd.Timestamp(2022, 3, 15) for _, session, _ in touched if not pd.isna(session))
    assert len([key for key in untouched if key[0] == "position_values"]) == 2 * (len(book) - len(affected))
    assert after.loc[untouched, "run_id"].unique().tolist() == ["test"]
    moved = snapshots(database)["nav"].to_numpy() != values["nav"].to_numpy()
    assert values["session"][moved].dt.date.tolist() == [date(2022, 3, 15)]  # one NAV is another one: of the book that holds A, on the day
    assert positions(database, "A").set_index("session").loc["2022-03-15", "price"] == 99.0
    again = records(database)
    assert refresh_all(shop, days) == []
    pd.testing.assert_frame_equal(records(database), again)


def test_stale_row_sets_of_one_portfolio_are_computed_for_it_alone(sqlite: Database, calendar: SessionCalendar) -> None:
    days, book = calendar.between(FIRST, LAST), calendar.between(date(2022, 4, 1), LAST)
    one = add_book(sqlite, [Lot("A", 10, 10, FIRST)], cash=0, as_of=LAST, name="one")
    add_book(sqlite, [Lot("B", 10, 20, FIRST)], cash=0, as_of=LAST, name="two")
    shop = workshop(sqlite, calendar, market(calendar))
    run_all(shop, days, book)
    with sqlite.write() as connection:
        record_change(connection, one.id, date(2022, 4, 20), "a test")
    before = records(sqlite)
    made = refresh_all(workshop(sqlite, calendar, market(calendar), run_id="scoped"), days)
    assert {refresh.portfolio_ids for refresh in made} == {(one.id,)}
    after = records(sqlite)
    touched = after.index[after["computed_at"] != before["computed_at"]]
    assert {portfolio for _, _, portfolio in touched} == {one.id}
    assert min(session for table, session, _ in touched if table == "position_values") == pd.Timestamp(2022, 4, 20)


def test_runs_are_merged_into_consecutive_sessions(calendar: SessionCalendar) -> None:
    days = calendar.between(FIRST, LAST)
    someone = uuid.uuid4()
    values = [("position_values", day, someone) for day in (*days[3:6], *days[8:10])]
    sums = [("portfolio_snapshots", day, someone) for day in days[4:10]]
    rows = pd.DataFrame(values + sums, columns=["table", "session", "portfolio_id"]).astype({"session": "datetime64[s]"})
    made = next_refreshes(rows, days, [someone])
    assert [(refresh.tables, refresh.first, refresh.last, refresh.portfolio_ids) for refresh in made] == [
        (("position_values",), days[3], days[3], None),
        (("position_values", "portfolio_snapshots"), days[4], days[5], None),
        (("portfolio_snapshots",), days[6], days[7], None),
        (("position_values", "portfolio_snapshots"), days[8], days[9], None),
    ]


def test_a_source_that_says_something_else_is_noticed_row_by_row(sqlite: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(FIRST, LAST)
    run_all(workshop(sqlite, calendar, market(calendar)), days, [])
    with reading(sqlite, calendar) as reader:
        assert changed_at_source(reader, market(calendar)).empty
        changed = changed_at_source(reader, market(calendar, d0315=99.0, d0420=98.0))
        absurd = changed_at_source(reader, market(calendar, d0315=5000.0))
    sessions = {date(2022, 3, 15), date(2022, 4, 20)}
    assert set(changed["session"].dt.date) == sessions
    assert changed["table"].unique().tolist() == ["prices"]
    assert absurd.empty  # the good row would be kept: nothing to take in


@pytest.mark.slow
def test_a_corrected_file_is_found_and_taken_in_by_the_command(tmp_path: Path, sqlite_template: Path) -> None:
    """`run --stale` end to end, in processes of its own, with Dagster."""
    folder = tmp_path / "data"
    folder.mkdir()
    days = pd.bdate_range("2022-03-01", "2022-03-18").strftime("%Y-%m-%d")
    lines = [f"A,{day},{10 + i}" for i, day in enumerate(days)]
    (folder / "prices.csv").write_text("symbol,date,close\n" + "\n".join(lines) + "\n")
    cli = CommandLine(tmp_path, sqlite_template, SIGMASIGHT_PROVIDER="files", SIGMASIGHT_DATA_DIR=str(folder))
    database = Database(f"sqlite:///{cli.state / 'sigmasight.db'}")
    add_book(database, [Lot("A", 10, 10, date(2022, 3, 1))], cash=0, as_of=date(2022, 3, 18))
    assert cli.in_child("run", "--from", "2022-03-01", "--to", days[-1]).code == 0
    (folder / "prices.csv").write_text("symbol,date,close\n" + "\n".join(lines).replace("2022-03-10,17", "2022-03-10,16.5") + "\n")
    assert json.loads(cli("stale", "--format", "json").out)["ranges"] == [
        {"table": "prices", "first": "2022-03-10", "last": "2022-03-10", "row_sets": 1, "cause": "source_changed", "input": "files"}
    ]
    done = cli.in_child("run", "--stale")
    assert done.code == 0, done.err
    assert "prices: 2022-03-10\n" in done.out
    assert done.out.rstrip().endswith("Nothing is stale now.")
    assert cli("stale").out == "Nothing is stale.\n"
    assert "16.5" in cli("data", "restatements", "--symbol", "a").out
    nav = snapshots(database)["nav"]
    assert nav["2022-03-10"] == 165.0
    assert np.isclose(nav["2022-03-11"], 180.0)
    with database.write() as connection:
        book = connection.execute(select(portfolios.c.id)).scalar_one()
        record_change(connection, book, date(2022, 3, 14), "as if a lot had been changed")
    assert cli.in_child("run", "--stale").code == 0
    with database.read() as connection:
        assert unprocessed(connection) is None
    database.dispose()
