"""Staleness: each cause, exact windows, propagation, portfolios; and the fast judgement against the definition."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from sqlalchemy import insert

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.versions import CODE_VERSIONS
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, UNDATED
from sigmasight_assets.store.provenance import FACETS
from sigmasight_assets.store.stale_rows import COLUMNS, stale_row_sets
from sigmasight_assets.store.staleness import NEVER, Grid, current_row_sets
from sigmasight_assets.store.tables import ledger_changes, materializations, portfolios, users
from tests.support.slow_staleness import Change, Key, Recorded, World
from tests.support.small_market import SmallMarket

START = datetime(2022, 6, 1, tzinfo=UTC)
ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
VERSIONS = dict.fromkeys(LINEAGE, "1")
LATER = START + timedelta(hours=1)
MADE_OF_POSITIONS = (
    *("portfolio_factor_risk", "factor_exposures", "position_correlations", "portfolio_snapshots", "portfolio_reports"),
    *("market_scenarios", "stress_results", "risk_metrics", "var_exceptions", "pnl_attribution"),
)


def put(database: Database, world: World) -> None:
    """Write a world's records and changes, in the place of any before."""
    rows = [
        {
            "table_name": table,
            "session": day,
            "portfolio_id": owner,
            "content_hash": "0",
            "run_id": "test",
            "rows": 1,
            "status": "ok",
            "reason": None,
        }
        | {"changed_at": one.changed_at, "computed_at": one.computed_at, "code_version": one.code_version}
        for (table, day, owner), one in world.recorded.items()
    ]
    changes = [
        {
            "portfolio_id": one.portfolio,
            "facet": one.facet,
            "first_session": one.first_session,
            "what": "a test's",
            "changed_at": one.changed_at,
        }
        for one in world.changes
    ]
    with database.write() as connection:
        connection.execute(materializations.delete())
        connection.execute(ledger_changes.delete())
        if rows:
            connection.execute(insert(materializations), rows)
        if changes:
            connection.execute(insert(ledger_changes), changes)


def judge(database: Database, world: World) -> dict[Key, tuple[str, str]]:
    put(database, world)
    found = stale_row_sets(database, Grid(list(world.sessions), list(world.as_of), list(world.as_of.values())), world.versions)
    return {
        (row.table, None if pd.isna(row.session) else row.session.date(), row.portfolio_id): (row.cause, row.input)
        for row in found.itertuples()
    }


def fresh_world(sessions: Sequence[date], as_of: date | None = None, owners: Iterable[uuid.UUID] = (ONE, TWO)) -> World:
    """Every row set there is, computed an hour after its inputs last changed."""
    world = World(sessions, dict.fromkeys(owners, as_of or sessions[-1]), VERSIONS)
    for table in LINEAGE:
        for day in [None] if table in UNDATED else sessions:
            for owner in world.as_of if table in BY_PORTFOLIO else [None]:
                world.recorded[table, day, owner] = Recorded(START, START + timedelta(minutes=1), "1")
    return world


def touch(world: World, table: str, day: date | None, owner: uuid.UUID | None = None, at: datetime = LATER) -> None:
    """A row set gets other content."""
    world.recorded[table, day, owner] = Recorded(at, at, "1")


def by_table(found: dict[Key, tuple[str, str]]) -> dict[str, list[tuple[date | None, uuid.UUID | None]]]:
    out: dict[str, list[tuple[date | None, uuid.UUID | None]]] = {}
    for table, day, owner in sorted(found, key=lambda key: (key[0], key[1] or date.min, key[2] or ONE)):
        out.setdefault(table, []).append((day, owner))
    return out


@pytest.fixture(scope="module")
def year(calendar: SessionCalendar) -> list[date]:
    return calendar.between(date(2021, 1, 4), date(2022, 5, 31))  # 355 sessions


def test_nothing_is_stale_where_nothing_changed(database: Database, calendar: SessionCalendar) -> None:
    assert judge(database, fresh_world(calendar.between(date(2022, 3, 1), date(2022, 3, 11)))) == {}
    assert judge(database, World([], {}, VERSIONS)) == {}
    assert judge(database, World([], {ONE: date(2022, 3, 1)}, VERSIONS)) == {}


REACH_OF_PRICES = {"option_greeks": 257, "position_values": 258, "portfolio_snapshots": 258 + 253, "portfolio_reports": 10_000}
"""Sessions after a corrected price up to which a table is stale, itself or by its inputs. Greeks read 252 sessions of dividends as of
a quote up to five sessions old; values read the Greeks of the session before; a year's P&L reads 253 sessions of values."""
DIRECT_REACH_OF_PRICES = {"option_greeks": 257, "position_values": 6, "portfolio_snapshots": 258}


def test_a_corrected_price_makes_exactly_the_sessions_stale_that_read_it(sqlite: Database, year: list[date]) -> None:
    world = fresh_world(year, as_of=year[0])
    touch(world, "prices", year[20])
    found = judge(sqlite, world)
    for table, reach in DIRECT_REACH_OF_PRICES.items():
        direct = {day for (name, day, _), why in found.items() if name == table and why == ("input_changed", "prices")}
        assert direct == set(year[20 : 20 + reach + 1]), table
    for table, reach in REACH_OF_PRICES.items():
        stale = {day for name, day, _ in found if name == table}
        assert stale == set(year[20 : 20 + reach + 1]), table
    assert "prices" not in by_table(found)
    assert "opening_cash" not in by_table(found)  # C0 reads nothing after the as-of session


@pytest.mark.parametrize(
    ("changed", "table", "reach"),
    [
        ("treasury_yields", "option_greeks", 10),
        ("treasury_yields", "position_values", 11),
        ("option_quotes", "option_greeks", 5),
        ("option_quotes", "position_values", 6),
        ("option_greeks", "position_values", 1),
        ("position_values", "portfolio_snapshots", 253),
    ],
)
def test_windows_end_where_the_last_reader_stands(sqlite: Database, year: list[date], changed: str, table: str, reach: int) -> None:
    world = fresh_world(year)
    for owner in world.as_of if changed in BY_PORTFOLIO else [None]:
        touch(world, changed, year[30], owner)
    found = judge(sqlite, world)
    direct = {day for (name, day, _), why in found.items() if name == table and why == ("input_changed", changed)}
    assert direct == set(year[30 : 30 + reach + 1])


def test_a_dividend_counts_for_every_later_session(sqlite: Database, year: list[date]) -> None:
    world = fresh_world(year, as_of=year[0])
    touch(world, "prices.actions", year[10])
    found = judge(sqlite, world)
    for table in ("option_greeks", "position_values", "portfolio_snapshots"):
        assert {day for name, day, _ in found if name == table} == set(year[10:])


def test_the_end_of_a_lot_counts_for_the_cash_of_every_later_session(sqlite: Database, year: list[date]) -> None:
    world = fresh_world(year)
    touch(world, "position_values.ended", year[10], ONE)
    found = judge(sqlite, world)
    direct = {(day, owner) for (name, day, owner), why in found.items() if name == "portfolio_snapshots" and why[0] == "input_changed"}
    assert direct == {(day, ONE) for day in year[10:]}


def test_opening_cash_reads_up_to_the_stated_balance_and_moves_every_snapshot(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 31))
    world = fresh_world(days)
    world.as_of = {ONE: date(2022, 3, 13), TWO: date(2022, 3, 31)}  # a Sunday: the Friday before counts
    friday, monday = date(2022, 3, 11), date(2022, 3, 14)
    touch(world, "prices", friday)
    assert by_table(judge(database, world))["opening_cash"] == [(None, ONE), (None, TWO)]
    world = fresh_world(days)
    world.as_of = {ONE: date(2022, 3, 13), TWO: date(2022, 3, 31)}
    touch(world, "prices", monday)
    found = by_table(judge(database, world))
    assert found["opening_cash"] == [(None, TWO)]
    snapshots = found["portfolio_snapshots"]
    assert [day for day, owner in snapshots if owner == TWO] == days  # all of them, earlier ones too
    assert [day for day, owner in snapshots if owner == ONE] == [day for day in days if day >= monday]


def test_a_ledger_change_concerns_its_own_portfolio_from_its_first_session_on(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 31))
    world = fresh_world(days, as_of=days[2])
    world.changes.append(Change("book", ONE, date(2022, 3, 12), LATER))  # a Saturday
    found = by_table(judge(database, world))
    concerned = [day for day in days if day >= date(2022, 3, 14)]
    assert found["position_values"] == [(day, ONE) for day in concerned]
    assert found["portfolio_snapshots"] == [(day, ONE) for day in concerned]
    assert "opening_cash" not in found  # it is after the stated balance
    assert "option_greeks" not in found
    world.changes[0] = Change("book", ONE, date(1990, 1, 2), LATER)  # what moves C0
    found = by_table(judge(database, world))
    assert found["opening_cash"] == [(None, ONE)]
    assert found["portfolio_snapshots"] == [(day, ONE) for day in days]


def test_options_held_anew_concern_the_greeks_of_everybody(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 11))
    world = fresh_world(days)
    world.changes.append(Change("contracts", ONE, days[4], LATER))
    found = by_table(judge(database, world))
    assert found["option_greeks"] == [(day, None) for day in days[4:]]
    assert set(found["position_values"]) == {(day, owner) for day in days[4:] for owner in (ONE, TWO)}


def test_another_code_version_makes_a_table_and_what_is_made_of_it_stale(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 11))
    world = fresh_world(days)
    world.versions = VERSIONS | {"option_greeks": "2"}
    found = judge(database, world)
    assert {why for (table, _, _), why in found.items() if table == "option_greeks"} == {("code_version", "option_greeks")}
    assert {why for (table, _, _), why in found.items() if table == "position_values"} == {("input_stale", "option_greeks")}
    assert {why for (table, _, _), why in found.items() if table == "portfolio_snapshots"} == {("input_stale", "position_values")}
    assert set(by_table(found)) == {"option_greeks", "position_values", *MADE_OF_POSITIONS}


def test_computing_again_ends_staleness_step_by_step_and_equal_content_ends_it_at_once(
    database: Database, calendar: SessionCalendar
) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 4))
    world = fresh_world(days, as_of=days[0])
    touch(world, "prices", days[1])
    factors = {"factor_returns", "factor_loadings", "factor_betas", "factor_covariance", "scenario_shocks"}
    left = set(by_table(judge(database, world)))
    assert left == factors | {"option_greeks", "position_values", *MADE_OF_POSITIONS}
    only_waited = {  # they read no price themselves, so they end with what they waited for: its content is the same
        "factor_returns": {"factor_loadings", "factor_covariance"},
        "position_values": {"portfolio_factor_risk", "factor_exposures"},
    }
    for i, table in enumerate(name for name in LINEAGE if name in left):
        for key, one in world.recorded.items():
            if key[0] == table:
                world.recorded[key] = Recorded(one.changed_at, LATER + timedelta(minutes=i + 1), "1")
        now = set(by_table(judge(database, world)))
        assert now <= left - {table} - only_waited.get(table, set())
        left = now
    assert left == set()


def test_row_sets_of_another_grid_are_left_out(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 4))
    world = fresh_world(days)
    stranger = uuid.UUID(int=9)
    world.recorded["position_values", days[0], stranger] = Recorded(START, START, "0")
    world.recorded["position_values", date(2019, 1, 2), ONE] = Recorded(START, START, "0")
    assert judge(database, world) == {}


def test_the_listing_names_cause_input_and_a_sentence(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 2))
    world = fresh_world(days, owners=[ONE], as_of=days[0])
    touch(world, "option_quotes", days[1])
    put(database, world)
    found = stale_row_sets(database, Grid(days, [ONE]), VERSIONS)
    assert list(found.columns) == COLUMNS
    first = found.iloc[0]
    assert (first["table"], first["session"], first["portfolio_id"], first["cause"]) == (
        "option_greeks",
        pd.Timestamp(days[1]),
        None,
        "input_changed",
    )
    assert first["detail"] == "option_quotes changed after option_greeks was computed"


def test_freshness_judges_the_deployments_sessions_and_portfolios(database: Database, calendar: SessionCalendar) -> None:
    days = calendar.between(date(2022, 3, 1), date(2022, 3, 11))
    market = SmallMarket(days, {})
    assert stale_rows(database, calendar, market).empty
    with database.write() as connection:
        connection.execute(insert(users), {"id": ONE, "email": "a@b.c", "role": "user", "created_at": START})
        for owner in (ONE, TWO):
            head = {"id": owner, "owner_id": ONE, "slug": str(owner), "name": "book", "currency": "USD", "created_at": START}
            connection.execute(insert(portfolios), head | {"cash_balance": Decimal(0), "cash_as_of": days[3]})
    world = fresh_world(days, as_of=days[3])
    world.recorded = {key: Recorded(one.changed_at, one.computed_at, CODE_VERSIONS[key[0]]) for key, one in world.recorded.items()}
    world.changes.append(Change("book", TWO, days[6], LATER))
    put(database, world)
    found = stale_rows(database, calendar, market, tables=["position_values"])
    assert {(row.session.date(), row.portfolio_id) for row in found.itertuples()} == {(day, TWO) for day in days[6:]}
    assert set(stale_rows(database, calendar, market)["table"]) == {"position_values", *MADE_OF_POSITIONS}


def random_world(seed: int, calendar: SessionCalendar) -> World:
    """A few sessions and portfolios, row sets missing here and there, moments and versions at random."""
    dice = random.Random(seed)
    sessions = calendar.between(date(2021, 1, 4), date(2022, 5, 31))[: dice.choice([1, 2, 7, 13, 280])]
    owners = [uuid.UUID(int=n + 1) for n in range(dice.choice([0, 1, 3]))]
    world = World(sessions, {owner: dice.choice(sessions) + timedelta(days=dice.choice([-400, 0, 0, 1])) for owner in owners}, VERSIONS)
    density, quiet = dice.choice([0.3, 0.9, 1.0]), dice.choice([0.5, 0.98, 0.999])

    def moment() -> datetime:
        return START + timedelta(minutes=dice.randrange(5) if dice.random() > quiet else 0)

    for table in LINEAGE:
        for name in (table, *(f"{table}.{facet}" for facet in FACETS.get(table, ()))):
            for day in [None] if table in UNDATED else sessions:
                for owner in owners if table in BY_PORTFOLIO else [None]:
                    if dice.random() < density:
                        version = "1" if dice.random() < quiet else "0"
                        world.recorded[name, day, owner] = Recorded(moment(), START + timedelta(minutes=dice.choice([0, 2])), version)
    for _ in range(dice.choice([0, 1, 4]) if owners else 0):
        first = dice.choice(sessions) + timedelta(days=dice.choice([-9999, 0, 1, 30]))
        world.changes.append(Change(dice.choice(["book", "contracts"]), dice.choice(owners), first, moment() + timedelta(seconds=1)))
    return world


@pytest.mark.parametrize("seed", range(25))
def test_the_fast_judgement_equals_the_definition(sqlite: Database, calendar: SessionCalendar, seed: int) -> None:
    world = random_world(seed, calendar)
    assert judge(sqlite, world) == world.stale()


@pytest.mark.parametrize("seed", [1, 4, 7, 9])
def test_some_tables_alone_are_judged_as_among_all(sqlite: Database, calendar: SessionCalendar, seed: int) -> None:
    world = random_world(seed, calendar)
    put(sqlite, world)
    grid = Grid(list(world.sessions), list(world.as_of), list(world.as_of.values()))
    every = stale_row_sets(sqlite, grid, world.versions)
    for table in LINEAGE:
        alone = stale_row_sets(sqlite, grid, world.versions, [table])
        pd.testing.assert_frame_equal(alone, every[every["table"] == table].reset_index(drop=True))
    since = world.sessions[len(world.sessions) // 2]
    with sqlite.read() as connection:
        changed, current = current_row_sets(sqlite, connection, grid, world.versions, "position_values", since)
    stale = {key[1:] for key in world.stale() if key[0] == "position_values"}
    for i, day in enumerate(world.sessions):
        for j, owner in enumerate(world.as_of):
            there = world.recorded.get(("position_values", day, owner)) if day >= since else None
            assert (changed[i, j] != NEVER) == (there is not None)
            assert current[i, j] == (there is not None and (day, owner) not in stale)


def test_both_databases_judge_alike(postgres: Database, calendar: SessionCalendar) -> None:
    for seed in (2, 5, 8):
        world = random_world(seed, calendar)
        assert judge(postgres, world) == world.stale()
