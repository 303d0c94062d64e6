"""Which providers can be asked for everything again at no cost."""

from __future__ import annotations

from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.providers.protocol import MarketDataProvider
from sigmasight_assets.providers.sample import SampleProvider


def is_local(provider: MarketDataProvider) -> bool:
    """True where the data are on this machine: what is stored can then be compared with them."""
    return isinstance(provider, (FilesProvider, SampleProvider))
