"""What the code location is loaded for: settings, provider and calendar of this process."""

from dataclasses import dataclass
from datetime import date, datetime

from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.registry import provider_from_settings
from sigmasight_assets.sessions import SessionCalendar, calendar_for, utc_now
from sigmasight_assets.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """Settings with what follows from them, at the moment the definitions are loaded."""

    settings: Settings
    provider: MarketDataProvider
    calendar: SessionCalendar

    @property
    def first_book_session(self) -> date:
        return self.settings.first_book_session(self.provider.first_session(), self.calendar)


def load_deployment(now: datetime) -> Deployment:
    settings = Settings()
    provider = provider_from_settings(settings.provider, settings.data_dir)
    return Deployment(settings, provider, calendar_for(now))


DEPLOYMENT = load_deployment(utc_now())
