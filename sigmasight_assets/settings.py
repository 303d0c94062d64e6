"""Every setting, typed: environment variables `SIGMASIGHT_*`, read once at the edge and passed down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sigmasight_assets.sessions import SessionCalendar

SAMPLE_BOOK_START = date(2022, 1, 3)


class Settings(BaseSettings):
    """Settings of one deployment. Secrets are `SecretStr`: they never show in logs or error texts."""

    model_config = SettingsConfigDict(env_prefix="SIGMASIGHT_", extra="ignore", frozen=True)

    environment: Literal["development", "production"] = "development"
    state_dir: Path = Path(".sigmasight")
    """Database, Dagster home and credentials live here (git-ignored)."""
    database_url: SecretStr = SecretStr("")
    """SQLAlchemy URL; empty means SQLite inside `state_dir`."""
    dagster_postgres_url: SecretStr = SecretStr("")
    """Where Dagster keeps its own tables; empty means SQLite inside `state_dir`."""
    provider: str = "sample"
    data_dir: Path | None = None
    """Folder of the `files` provider."""
    book_start: date | None = None
    """First session of every portfolio table; empty: 2022-01-03 for the sample, else the provider's first session."""
    macro_series: dict[str, str] = {}
    """Further series that betas are estimated on, each beside the seven factors: name -> symbol with prices, as JSON (`{"oil": "USO"}`)."""
    reports_dir: Path = Path("reports")
    executor: Literal["in_process", "multiprocess"] = "in_process"

    @property
    def url(self) -> str:
        """The database URL with its driver named (SQLAlchemy 2.1 would take psycopg 3 for `postgresql://`)."""
        url = self.database_url.get_secret_value()
        if not url:
            return f"sqlite:///{(self.state_dir / 'sigmasight.db').resolve()}"
        for scheme in ("postgresql://", "postgres://"):
            if url.startswith(scheme):
                return "postgresql+psycopg2://" + url.removeprefix(scheme)
        return url

    def first_book_session(self, provider_first_session: date, calendar: SessionCalendar) -> date:
        """The first session of the book partitions: never before the provider's data, and a session even where the setting is none."""
        start = self.book_start or (SAMPLE_BOOK_START if self.provider == "sample" else provider_first_session)
        return calendar.roll_forward(max(start, provider_first_session))
