"""What every request works with, made once a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from sigmasight_api.answer_cache import AnswerCache
from sigmasight_api.callers import CallerCache
from sigmasight_api.database_version import DatabaseVersion
from sigmasight_api.operations.driver import Driver
from sigmasight_api.operations.watched import Streams
from sigmasight_api.provenance import ProvenanceShelf
from sigmasight_api.rate_limit import RateLimits
from sigmasight_api.settings import ApiSettings, signing_secret
from sigmasight_api.tokens import Credentials
from sigmasight_assets.sessions import NEW_YORK, SessionCalendar, calendar_for, utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.schema import require_revision


@dataclass
class Service:
    """Settings, the database with its kept connections, and what is kept between requests."""

    settings: ApiSettings
    database: Database
    secret: str
    clock: Callable[[], datetime]
    version: DatabaseVersion
    provenance: ProvenanceShelf
    answers: AnswerCache
    known: CallerCache
    limits: RateLimits
    operations: Driver
    streams: Streams = field(default_factory=Streams)
    token_owners: dict[str, str] = field(default_factory=dict)
    """Hash of a personal token -> id of its owner, once the database has named them: whose requests are counted."""

    def owner_of(self, credentials: Credentials) -> str | None:
        """Id of the user whose requests are counted; None for a personal token that the database has not named yet."""
        return str(credentials.user_id) if credentials.token_hash is None else self.token_owners.get(credentials.token_hash)

    @property
    def calendar(self) -> SessionCalendar:
        return calendar_for(self.clock())

    @property
    def today(self) -> date:
        """The calendar date in New York: what a date may not lie after."""
        return self.clock().astimezone(NEW_YORK).date()

    def close(self) -> None:
        self.operations.close()
        self.version.close()
        self.database.dispose()


def open_service(settings: ApiSettings, clock: Callable[[], datetime] = utc_now) -> Service:
    """The service of these settings; a database of another revision is refused with the command that mends it."""
    database = Database(settings.url, pool_size=settings.api_threads)
    require_revision(database)
    return Service(
        settings=settings,
        database=database,
        secret=signing_secret(settings),
        clock=clock,
        version=DatabaseVersion(database),
        provenance=ProvenanceShelf(database),
        answers=AnswerCache(settings.api_cache_mb * 1_000_000),
        known=CallerCache(),
        limits=RateLimits(settings),
        operations=Driver(settings, clock),
    )
