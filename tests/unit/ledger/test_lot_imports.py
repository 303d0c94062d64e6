"""Imports of lots into the ledger, on both databases."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from sigmasight_assets.errors import LedgerRefused, NotASession, NotFound
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.changes import INCEPTION
from sigmasight_assets.ledger.lot_imports import ImportRequest, effective_as_of, require_covered
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import imports, instruments, ledger_changes, lots, portfolios, tags, users
from tests.support.imports import AS_OF, OWNER, Importer

SHARE, MORE = "AAPL,100,142.10,2022-03-01,core,,,", "MSFT,5,250,2022-03-02,,,,"
OPTION = "AAPL220617C00150000,-2,3.84,2022-03-03,income,,,"


def n_rows(database: Database, table: object) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def changes(database: Database) -> list[tuple[str, date]]:
    """(facet, first session) of every ledger change, in order."""
    with database.read() as connection:
        c = ledger_changes.c
        return [(facet, first) for facet, first in connection.execute(select(c.facet, c.first_session).order_by(c.id))]


@pytest.fixture
def take(database: Database, calendar: SessionCalendar) -> Importer:
    return Importer(database, calendar)


def test_import_creates_the_portfolio_its_lots_tags_and_instruments(take: Importer, database: Database) -> None:
    outcome = take(SHARE, OPTION, "FUND,1,500,2021-03-02,,,,private")
    assert (outcome.is_new, len(outcome.difference.added)) == (True, 3)
    held = take.held()
    assert [(lot.symbol, lot.quantity, lot.entry_price, lot.tags) for lot in held] == [
        ("AAPL", Decimal(100), Decimal("142.1"), ("core",)),
        ("AAPL220617C00150000", Decimal(-2), Decimal("3.84"), ("income",)),
        ("FUND", Decimal(1), Decimal(500), ()),
    ]
    with database.read() as connection:
        c = instruments.c
        option = connection.execute(
            select(c.underlying, c.multiplier, c.expiry, c.strike, c.option_type).where(c.asset_class == "option")
        ).one()
    assert tuple(option) == ("AAPL", 100, date(2022, 6, 17), Decimal(150), "C")


def test_same_file_twice_changes_nothing(take: Importer, database: Database) -> None:
    take(SHARE, SHARE, OPTION)
    before = (take.held(), changes(database), n_rows(database, imports))
    for mode in ("add", "replace"):
        again = take(SHARE, SHARE, OPTION, mode=mode)  # type: ignore[arg-type]
        assert again.changes_nothing
        assert again.difference.unchanged == 3
    assert (take.held(), changes(database), n_rows(database, imports)) == before


def test_two_equal_lots_in_one_file_are_two_lots_and_a_longer_file_adds_only_what_is_new(take: Importer) -> None:
    take(SHARE, SHARE)
    outcome = take(SHARE, MORE, SHARE, SHARE)
    assert [row.symbol for row in outcome.difference.added] == ["MSFT", "AAPL"]
    assert Counter(lot.symbol for lot in take.held()) == {"AAPL": 3, "MSFT": 1}


def test_lots_of_one_symbol_are_kept_apart(take: Importer) -> None:
    take("AAPL,10,100,2022-03-01,,,,", "AAPL,20,110,2022-03-02,,,,", "AAPL,-5,120,2022-03-03,,,,")
    assert [(lot.quantity, lot.entry_price) for lot in take.held()] == [(10, 100), (20, 110), (-5, 120)]


def test_dry_run_shows_the_difference_and_writes_nothing(take: Importer, database: Database) -> None:
    outcome = take(SHARE, dry_run=True)
    assert (outcome.is_new, len(outcome.difference.added)) == (True, 1)
    assert n_rows(database, portfolios) == n_rows(database, lots) == 0


def test_replacing_makes_the_portfolio_what_the_file_says(take: Importer) -> None:
    take(SHARE, MORE, OPTION)
    first = {lot.symbol: lot.id for lot in take.held()}
    closed = 'AAPL,100,142.10,2022-03-01,"Core,sold",2022-03-09,150,'
    outcome = take(closed, "SPY,1,400,2022-03-01,,,,", mode="replace")
    found = outcome.difference
    assert ([row.symbol for row in found.added], sorted(lot.symbol for lot in found.removed), len(found.changed)) == (
        ["SPY"],
        ["AAPL220617C00150000", "MSFT"],
        1,
    )
    held = take.held()
    assert [(lot.symbol, lot.exit_date, lot.exit_price, lot.tags) for lot in held] == [
        ("AAPL", date(2022, 3, 9), Decimal(150), ("core", "sold")),
        ("SPY", None, None, ()),
    ]
    assert held[0].id == first["AAPL"]  # the lot is the same one, with its history


def test_adding_refuses_a_file_that_disagrees_with_the_ledger_and_changes_nothing(take: Importer) -> None:
    take(SHARE)
    with pytest.raises(LedgerRefused, match=r"line 2: AAPL 100 of 2022-03-01.*--mode replace|--mode replace.*line 2"):
        take("AAPL,100,142.10,2022-03-01,core,2022-03-09,150,", MORE)
    assert [lot.symbol for lot in take.held()] == ["AAPL"]


def test_equal_entries_pair_with_their_own_exits(take: Importer) -> None:
    closed = "AAPL,100,142.10,2022-03-01,core,2022-03-09,150,"
    take(SHARE, closed)
    assert take(closed, SHARE).changes_nothing
    assert len(take(closed, closed, SHARE, mode="replace").difference.added) == 1


def test_tags_of_an_owner_are_one_whatever_their_case(take: Importer, database: Database) -> None:
    take(SHARE, "MSFT,5,250,2022-03-02,CORE,,,")
    take("SPY,5,250,2022-03-02,Core,,,", name="second")
    assert n_rows(database, tags) == 1
    assert [lot.tags for lot in take.held()] == [("core",), ("core",)]


def test_owner_has_at_most_a_hundred_tags(take: Importer, database: Database) -> None:
    take(*(f'AAPL,1,{i + 1},2022-03-01,"{",".join(f"t{20 * i + j}" for j in range(20))}",,,' for i in range(5)))
    assert n_rows(database, tags) == 100
    with pytest.raises(LedgerRefused, match="at most 100"):
        take("AAPL,1,9,2022-03-01,one_more,,,")
    take("AAPL,1,9,2022-03-01,T99,,,")


def test_unknown_owner_is_refused_with_the_command_that_adds_one(take: Importer) -> None:
    take.owner = "bob@example.com"
    with pytest.raises(NotFound, match="sigmasight user add bob@example"):
        take(SHARE)


def test_new_portfolio_needs_its_cash_and_the_date_of_it(take: Importer, database: Database) -> None:
    for cash, as_of in ((None, AS_OF), (Decimal(0), None)):
        with pytest.raises(LedgerRefused, match="--cash, --as-of"):
            take(SHARE, cash=cash, as_of=as_of)
    assert n_rows(database, portfolios) == 0
    request = ImportRequest(OWNER, "book", "lots.csv", "add")
    with pytest.raises(LedgerRefused, match="--cash, --as-of"):
        effective_as_of(database, request)
    take(SHARE)
    assert effective_as_of(database, request) == AS_OF


def test_later_imports_keep_the_stated_cash_or_restate_it(take: Importer, database: Database) -> None:
    take(SHARE)
    assert take(SHARE, cash=None, as_of=None).changes_nothing
    moved = take(SHARE, cash=Decimal("-250.5"), as_of=None)
    assert (moved.cash_moved, moved.portfolio.cash_balance, moved.portfolio.cash_as_of) == (True, Decimal("-250.5"), AS_OF)
    assert changes(database)[-1] == ("book", INCEPTION)


def test_portfolio_of_somebody_else_is_not_touched(take: Importer, database: Database, calendar: SessionCalendar) -> None:
    take(SHARE)
    bob = Importer(database, calendar, "bob@example.com")
    with pytest.raises(LedgerRefused, match="taken"):
        bob(MORE)
    assert [lot.symbol for lot in take.held()] == ["AAPL"]
    assert bob(MORE, slug="bobs-book").portfolio.slug == "bobs-book"


def test_as_of_after_the_market_data_is_refused_with_the_remedy(calendar: SessionCalendar) -> None:
    last = date(2022, 12, 28)
    require_covered(last, last, calendar)
    with pytest.raises(LedgerRefused, match="as of 2022-12-28 or earlier"):
        require_covered(date(2022, 12, 29), last, calendar)
    require_covered(date(2022, 3, 13), date(2022, 3, 11), calendar)  # a Sunday: its session is Friday
    with pytest.raises(LedgerRefused):
        require_covered(date(2099, 1, 1), last, calendar)
    with pytest.raises(NotASession, match="outside"):
        require_covered(date(1980, 1, 1), last, calendar)


def test_change_that_moves_the_opening_cash_affects_every_session(take: Importer, database: Database) -> None:
    take(SHARE)
    take(MORE)  # entered on 2022-03-02, before the as-of date
    assert changes(database) == [("book", INCEPTION), ("book", INCEPTION)]


def test_lot_entered_after_the_as_of_date_affects_sessions_from_its_entry_on(take: Importer, database: Database) -> None:
    take(SHARE)
    take("MSFT,5,250,2022-03-19,,,,")  # a Saturday
    take("AAPL220617C00150000,1,5,2022-03-22,,,,")
    assert changes(database)[1:] == [("book", date(2022, 3, 21)), ("book", date(2022, 3, 22)), ("contracts", date(2022, 3, 22))]


def test_tags_alone_change_no_number_but_the_names_of_clusters(take: Importer, database: Database) -> None:
    take(SHARE)
    before = changes(database)
    assert not take("AAPL,100,142.10,2022-03-01,other,,,", mode="replace").changes_nothing
    assert changes(database) == [*before, ("tags", date(2022, 3, 1))]


@pytest.mark.parametrize("n", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_file_of_many_lots_and_its_removal(take: Importer, n: int) -> None:
    rows = [f"AAPL,{i + 1},100.{i:04d},2022-03-01,,,," for i in range(n)]
    assert len(take(*rows).difference.added) == n
    assert take(*rows).changes_nothing
    assert len(take(SHARE, mode="replace").difference.removed) == n
    assert len(take.held()) == 1


def test_two_imports_at_once_do_not_double_the_lots(take: Importer) -> None:
    rows = [f"AAPL,{i + 1},100,2022-03-01,core,,," for i in range(50)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: take(*rows), range(4)))
    assert sorted(len(outcome.difference.added) for outcome in outcomes) == [0, 0, 0, 50]
    assert len(take.held()) == 50


def test_symbol_is_stored_as_long_as_it_is_accepted(take: Importer) -> None:
    longest = ["N" * 64, "ABCDEF221216C99999999", "A234567890.ABCD"]
    take(f"{longest[0]},1,1,2022-03-01,,,,private", f"{longest[1]},1,1,2022-03-01,{'t' * 50},,,", f"{longest[2]},1,1,2022-03-01,,,,")
    assert [lot.symbol for lot in take.held()] == longest


def test_largest_numbers_are_kept_exactly(take: Importer) -> None:
    take("AAPL,-999999999999999.123456789012,0.000000000001,2022-03-01,,,,", cash=Decimal("123456789012345.01"))
    held = take.held()[0]
    assert (held.quantity, held.entry_price) == (Decimal("-999999999999999.123456789012"), Decimal("0.000000000001"))


def test_empty_file_makes_a_portfolio_of_cash(take: Importer) -> None:
    outcome = take()
    assert (outcome.is_new, outcome.difference.is_empty, take.held()) == (True, True, [])


def test_address_is_one_whatever_its_case_and_taken_once(database: Database) -> None:
    with database.write() as connection:
        add_user(connection, OWNER)
    with database.write() as connection, pytest.raises(LedgerRefused, match="exists already"):
        add_user(connection, OWNER.upper())
    for address in ("nobody", "a@b", "two words@example.com", "x" * 250 + "@example.com"):
        with database.write() as connection, pytest.raises(LedgerRefused, match="e-mail"):
            add_user(connection, address)
    assert n_rows(database, users) == 1
