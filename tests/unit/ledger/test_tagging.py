"""Tags: one name whatever its case, so many an owner and so many a lot, on both databases."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from sqlalchemy import Connection, select

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.ledger import tagging
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import ledger_changes
from tests.support.imports import Importer


@pytest.fixture
def owned(database: Database, calendar: SessionCalendar) -> tuple[Database, uuid.UUID, uuid.UUID]:
    """A database, the owner, and a lot with the tag Core."""
    take = Importer(database, calendar)
    outcome = take("AAPL,100,142.10,2022-03-01,Core,,,")
    return database, outcome.portfolio.owner_id, take.held()[0].id


def names(connection: Connection, lot_id: uuid.UUID) -> list[str]:
    return tagging.tags_of_lots(connection, [lot_id]).get(lot_id, [])


def test_a_name_is_taken_in_any_case(owned: tuple[Database, uuid.UUID, uuid.UUID]) -> None:
    database, owner, lot = owned
    with database.write() as connection:
        with pytest.raises(LedgerConflict, match="'Core'"):
            tagging.create_tag(connection, owner, "CORE")
        made = tagging.create_tag(connection, owner, "strategy:pair_1")
        with pytest.raises(LedgerConflict):
            tagging.rename_tag(connection, owner, made.id, "core")
        assert tagging.rename_tag(connection, owner, made.id, "Strategy_2").name == "Strategy_2"
        assert tagging.set_tags(connection, owner, {lot: ["core", "STRATEGY_2", "new"]}) == [lot]
        assert names(connection, lot) == ["Core", "new", "Strategy_2"]
        assert tagging.set_tags(connection, owner, {lot: ["NEW", "CORE", "strategy_2"]}) == []


@pytest.mark.parametrize("text", ["", "two words", "a-b", "é", "x" * 51, "strategy:", "other:name", "a,b"])
def test_a_text_that_is_no_tag_is_refused(owned: tuple[Database, uuid.UUID, uuid.UUID], text: str) -> None:
    database, owner, lot = owned
    with database.write() as connection:
        for write in (lambda: tagging.create_tag(connection, owner, text), lambda: tagging.set_tags(connection, owner, {lot: [text]})):
            with pytest.raises(LedgerRefused):
                write()


def test_twenty_a_lot_and_a_hundred_an_owner(owned: tuple[Database, uuid.UUID, uuid.UUID]) -> None:
    database, owner, lot = owned
    with database.write() as connection:
        with pytest.raises(LedgerRefused, match="21 tags"):
            tagging.set_tags(connection, owner, {lot: [f"t{i}" for i in range(21)]})
        for start in (0, 20, 40, 60, 79):  # 99 more, the last of them twice
            tagging.set_tags(connection, owner, {lot: [f"t{i}" for i in range(start, start + 20)]})
        with pytest.raises(LedgerRefused, match="101 tags"):
            tagging.create_tag(connection, owner, "one_more")


def test_a_tag_of_somebody_else_does_not_exist(owned: tuple[Database, uuid.UUID, uuid.UUID]) -> None:
    database, owner, lot = owned
    with database.write() as connection:
        mine = tagging.create_tag(connection, owner, "mine")
        for write in (
            lambda: tagging.rename_tag(connection, uuid.uuid4(), mine.id, "theirs"),
            lambda: tagging.delete_tag(connection, uuid.uuid4(), mine.id),
        ):
            with pytest.raises(NotFound):
                write()
        tagging.set_tags(connection, owner, {lot: ["mine"]})
        assert tagging.delete_tag(connection, owner, mine.id) == (mine, [lot])
        assert names(connection, lot) == []


def test_other_tags_are_a_change_from_the_first_session_of_their_lots(database: Database, calendar: SessionCalendar) -> None:
    take = Importer(database, calendar)
    book = take("AAPL,100,142.10,2022-03-05,Core,,,\nMSFT,10,300,2022-06-01,Core,,,").portfolio  # the first on a Saturday
    lots_held = {lot.symbol: lot.id for lot in take.held()}
    with database.write() as connection:
        assert tagging.record_tagging(connection, [lots_held["MSFT"]], calendar, "tags of 1 lot") == {book.id: date(2022, 6, 1)}
        assert tagging.record_tagging(connection, list(lots_held.values()), calendar, "tags of 2 lots") == {book.id: date(2022, 3, 7)}
        assert tagging.record_tagging(connection, [], calendar, "nothing") == {}
        c = ledger_changes.c
        noted = connection.execute(select(c.first_session, c.what).where(c.facet == "tags").order_by(c.id)).all()
    assert [tuple(row) for row in noted] == [(date(2022, 6, 1), "tags of 1 lot"), (date(2022, 3, 7), "tags of 2 lots")]
