"""Providers by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sigmasight_assets.errors import ProviderError

if TYPE_CHECKING:
    from sigmasight_assets.providers.protocol import MarketDataProvider


def _sample(folder: Path | None) -> MarketDataProvider:
    from sigmasight_assets.providers.sample import SampleProvider

    del folder
    return SampleProvider()


def _files(folder: Path | None) -> MarketDataProvider:
    from sigmasight_assets.providers.files.provider import files_provider

    return files_provider(folder)


PROVIDERS: dict[str, Callable[[Path | None], MarketDataProvider]] = {"sample": _sample, "files": _files}
"""Each loads its code when it is opened: pandas and what reads files."""


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
