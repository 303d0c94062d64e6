"""What private assets follow in a scenario: a listed security, named by the owner."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.ledger.changes import INCEPTION, record_change
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import lots, private_proxies

FACET = "proxies"
MAX_MULTIPLE = Decimal(10)


@dataclass(frozen=True)
class PrivateProxy:
    """A private asset's stand-in: it moves by `multiple` times the proxy's move."""

    portfolio_id: uuid.UUID
    symbol: str
    proxy: str
    multiple: Decimal


def proxies_of(connection: Connection, portfolio_ids: Sequence[uuid.UUID] | None = None) -> list[PrivateProxy]:
    """The proxies of some portfolios (of all when None)."""
    p = private_proxies.c
    query = select(p.portfolio_id, p.symbol, p.proxy, p.multiple).order_by(p.portfolio_id, p.symbol)
    if portfolio_ids is not None:
        query = query.where(p.portfolio_id.in_(list(portfolio_ids)))
    return [PrivateProxy(*row) for row in connection.execute(query)]


def set_proxy(connection: Connection, proxy: PrivateProxy) -> bool:
    """Name the proxy of a private asset; False where it is what it was.

    Raises
    ------
    NotFound
        Where the portfolio holds no such private asset.
    LedgerRefused
        For a multiple of 0 or beyond ±10.
    """
    held = select(lots.c.symbol).where(lots.c.portfolio_id == proxy.portfolio_id, lots.c.asset_class == "private").distinct()
    names = sorted(connection.execute(held).scalars())
    if proxy.symbol not in names:
        raise NotFound(f"The portfolio has no private asset {proxy.symbol!r} (it has: {', '.join(names) or 'none'}).")
    if proxy.multiple == 0 or abs(proxy.multiple) > MAX_MULTIPLE:
        raise LedgerRefused(f"--multiple: expected a number up to ±{MAX_MULTIPLE} and not 0, was {proxy.multiple}.")
    if proxy in proxies_of(connection, [proxy.portfolio_id]):
        return False
    connection.execute(delete(private_proxies).where(_is(proxy.portfolio_id, proxy.symbol)))
    connection.execute(insert(private_proxies), {**vars(proxy), "created_at": utc_now()})
    record_change(connection, proxy.portfolio_id, INCEPTION, f"{proxy.symbol} follows {proxy.proxy}", facet=FACET)
    return True


def remove_proxy(connection: Connection, portfolio_id: uuid.UUID, symbol: str) -> None:
    """Forget a proxy: the asset is uncovered again. `NotFound` where there is none."""
    if not connection.execute(delete(private_proxies).where(_is(portfolio_id, symbol))).rowcount:
        raise NotFound(f"{symbol!r} has no proxy in this portfolio.")
    record_change(connection, portfolio_id, INCEPTION, f"{symbol} follows nothing", facet=FACET)


def _is(portfolio_id: uuid.UUID, symbol: str) -> ColumnElement[bool]:
    return (private_proxies.c.portfolio_id == portfolio_id) & (private_proxies.c.symbol == symbol)
