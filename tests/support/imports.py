"""CSV texts into the ledger by the ledger's own import."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from sigmasight_assets.errors import LedgerRefused
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.ledger.csv_lots import LotFile, read_lots
from sigmasight_assets.ledger.importing import HeldLot, Mode, held_lots
from sigmasight_assets.ledger.lot_imports import ImportOutcome, ImportRequest, import_lots
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import portfolios

HEADER = "ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price,asset_class"
AS_OF, TODAY = date(2022, 3, 11), date(2023, 3, 1)
OWNER = "ann@example.com"


class Importer:
    """Imports rows of one owner; the first import of a name creates the portfolio with 1,000 USD as of 2022-03-11."""

    def __init__(self, database: Database, calendar: SessionCalendar, owner: str = OWNER) -> None:
        self.database, self.calendar, self.owner = database, calendar, owner
        with database.write() as connection:
            add_user(connection, owner)

    def file(self, *rows: str) -> LotFile:
        content = "\n".join([HEADER, *rows]).encode()
        return read_lots(content, as_of=AS_OF, today=TODAY, calendar=self.calendar, known_symbols=None)

    def __call__(
        self,
        *rows: str,
        name: str = "book",
        mode: Mode = "add",
        cash: Decimal | None = Decimal(1000),
        as_of: date | None = AS_OF,
        slug: str | None = None,
        dry_run: bool = False,
    ) -> ImportOutcome:
        file = self.file(*rows)
        if file.problems:
            raise LedgerRefused("; ".join(problem.code for problem in file.problems))
        request = ImportRequest(self.owner, name, "lots.csv", mode, cash, as_of, slug)
        return import_lots(self.database, self.calendar, request, file, dry_run=dry_run)

    def held(self, slug: str = "book") -> list[HeldLot]:
        with self.database.read() as connection:
            portfolio = connection.execute(select(portfolios.c.id).where(portfolios.c.slug == slug)).scalar_one()
            return held_lots(connection, portfolio)
