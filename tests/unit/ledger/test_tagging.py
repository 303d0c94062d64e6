"""Tags: one name whatever its case, so many an owner and so many a lot, on both databases."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import Connection

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.ledger import tagging
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
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
        assert tagging.set_tags(connection, owner, {lot: ["core", "STRATEGY_2", "new"]}) == 1
        assert names(connection, lot) == ["Core", "new", "Strategy_2"]
        assert tagging.set_tags(connection, owner, {lot: ["NEW", "CORE", "strategy_2"]}) == 0


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
        assert tagging.delete_tag(connection, owner, mine.id) == (mine, 1)
        assert names(connection, lot) == []
