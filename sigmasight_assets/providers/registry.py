"""Providers by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sigmasight_assets.errors import ProviderError
from sigmasight_assets.providers.files.provider import files_provider
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.sample import SampleProvider

PROVIDERS: dict[str, Callable[[Path | None], MarketDataProvider]] = {
    "sample": lambda _folder: SampleProvider(),
    "files": files_provider,
}


def provider_from_settings(name: str, data_dir: Path | None) -> MarketDataProvider:
    """The provider of `SIGMASIGHT_PROVIDER`.

    Raises
    ------
    ProviderError
        For a name that is none, listing those that are.
    """
    if name not in PROVIDERS:
        raise ProviderError(f"SIGMASIGHT_PROVIDER: expected one of {', '.join(sorted(PROVIDERS))}, was {name!r}.")
    return PROVIDERS[name](data_dir)
