"""What a command works with: settings, database, calendar, provider and the clock, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import SecretStr, ValidationError
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from sigmasight_assets.calculations.planning import Coverage
from sigmasight_assets.errors import DatabaseUnavailable, SigmaSightError
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import NEW_YORK, SessionCalendar, calendar_for, utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import require_revision


@dataclass(frozen=True)
class Desk:
    """One command's view of the deployment."""

    settings: Settings
    database: Database
    calendar: SessionCalendar
    provider: MarketDataProvider
    clock: Callable[[], datetime]

    @property
    def today(self) -> date:
        """The calendar date in New York: what a date may not lie after."""
        return self.clock().astimezone(NEW_YORK).date()

    @property
    def last_session(self) -> date:
        """The last session that the market data cover."""
        return self.provider.last_session(self.clock())

    @property
    def first_book_session(self) -> date:
        return self.settings.first_book_session(self.provider.first_session(), self.calendar)

    @property
    def coverage(self) -> Coverage:
        """The sessions that can be computed."""
        return Coverage(self.calendar, self.provider, self.last_session, self.first_book_session)


def load_settings() -> Settings:
    """This environment's settings.

    Raises
    ------
    SigmaSightError
        Naming every variable that cannot be read; secrets are not repeated.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            name = str(fault["loc"][0])
            is_secret = Settings.model_fields[name].annotation is SecretStr
            faults.append(f"SIGMASIGHT_{name.upper()}: {fault['msg']}" + ("" if is_secret else f", was {fault['input']!r}"))
        raise SigmaSightError("; ".join(faults) + ".") from None


def open_database(settings: Settings) -> Database:
    """The database of the settings, not connected yet.

    Raises
    ------
    DatabaseUnavailable
        For a URL that cannot be read, or a database that this product does not speak to.
    """
    expected = "expected sqlite:///path or postgresql://user:password@host/name"
    try:
        database = Database(settings.url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseUnavailable(f"SIGMASIGHT_DATABASE_URL cannot be used ({type(error).__name__}): {expected}.") from None
    if database.engine.dialect.name not in ("sqlite", "postgresql"):
        raise DatabaseUnavailable(f"SIGMASIGHT_DATABASE_URL names {database.engine.dialect.name}: {expected}.")
    return database


def open_desk(*, needs_tables: bool = True, clock: Callable[[], datetime] = utc_now) -> Desk:
    """The desk of this environment; `needs_tables` refuses a database of another revision."""
    settings = load_settings()
    database = open_database(settings)
    if needs_tables:
        require_revision(database)
    provider = provider_from_settings(settings.provider, settings.data_dir)
    return Desk(settings, database, calendar_for(clock()), provider, clock)
