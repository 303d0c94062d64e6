"""Lots of one book as of the close of a session: the ledger's facts, and beside them the values that are stored of that session."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, case, cast, func, literal, or_, select

from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import (
    factor_betas,
    instruments,
    lot_tags,
    lots,
    option_greeks,
    portfolio_snapshots,
    portfolios,
    position_values,
    security_master,
    tags,
)

STRATEGY = "strategy:"
MARKET = "market"
NOT_COMPUTED = "not_computed"
TOTAL = "total_"
VALUES = (
    "price", "price_status", "price_date", "market_value", "cost_basis", "unrealized_pnl", "realized_pnl", "pnl", "dividends",
    "coverage_change", "notional_exposure", "delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct",
)  # fmt: skip
"""Columns of `position_values` that are given as they stand."""


@dataclass(frozen=True)
class Close:
    """The close of a session as the ledger's dates see it.

    Attributes
    ----------
    last_date : date
        The last date whose events belong to the session or to one before it (docs/conventions.md, section 1).
    next_session : date
        Options that expire before it are settled.
    """

    session: date
    last_date: date
    next_session: date


def close_of(session: date, portfolio: Portfolio, calendar: SessionCalendar) -> Close:
    is_stated = calendar.roll_back(portfolio.cash_as_of) == session
    return Close(session, portfolio.cash_as_of if is_stated else session, calendar.offset(session, 1))


_p, _terms, _master, _greeks = position_values.c, instruments.c, security_master.c, option_greeks.c
_is_short = cast(lots.c.quantity, Float) < 0
_is_term = and_(_terms.symbol == lots.c.symbol, _terms.asset_class == lots.c.asset_class)
_is_private = lots.c.asset_class == "private"
SYMBOL = func.coalesce(_p.symbol, lots.c.symbol)
POSITION_TYPE = case(
    (and_(lots.c.asset_class == "option", _is_short), literal("S") + _terms.option_type),
    (lots.c.asset_class == "option", literal("L") + _terms.option_type),
    (_is_short, "SHORT"),
    else_="LONG",
)
SECTOR = case(
    (_is_private, "Private assets"),
    (_master.sector.is_not(None), _master.sector),
    (_master.fund_category.is_not(None), literal("Funds: ") + _master.fund_category),
    else_="No sector known",
)
"""What allocation counts a lot under: options with the sector of their underlying, funds by what they hold."""
TAGS = (
    select(func.aggregate_strings(tags.c.name, ","))
    .select_from(lot_tags.join(tags, tags.c.id == lot_tags.c.tag_id))
    .where(lot_tags.c.lot_id == lots.c.id)
    .correlate(lots)
    .scalar_subquery()
)


def state_at(close: Close) -> ColumnElement[str]:
    """Whether a lot is open at a close, ended by then, or upcoming."""
    has_ended = or_(lots.c.exit_date <= close.last_date, _terms.expiry < close.next_session)
    return case((has_ended, "ended"), (lots.c.entry_date > close.last_date, "upcoming"), else_="open")


def lots_at(portfolio_id: uuid.UUID, close: Close) -> Select[Any]:
    """Every lot of a portfolio, with what is known of it at a close."""
    state = state_at(close)
    is_unknown = and_(_p.lot_id.is_(None), state == "open")
    columns: list[ColumnElement[Any]] = [
        lots.c.id.label("lot_id"),
        lots.c.portfolio_id,
        SYMBOL.label("symbol"),
        _master.name,
        lots.c.asset_class,
        POSITION_TYPE.label("position_type"),
        _terms.underlying,
        SECTOR.label("sector"),
        TAGS.label("tags"),
        state.label("state"),
        _p.event,
        lots.c.entry_date,
        lots.c.exit_date,
        lots.c.exit_price,
        lots.c.quantity.label("entered_quantity"),
        lots.c.entry_price.label("entered_price"),
        func.coalesce(_p.quantity, cast(lots.c.quantity, Float)).label("quantity"),
        func.coalesce(_p.multiplier, cast(_terms.multiplier, Float)).label("multiplier"),
        func.coalesce(_p.entry_price, cast(lots.c.entry_price, Float)).label("entry_price"),
        *(_p[name] for name in VALUES),
        _terms.expiry,
        func.coalesce(_greeks.strike, cast(_terms.strike, Float)).label("strike"),
        _terms.option_type,
        _greeks.iv,
        _greeks.iv_source,
        case((is_unknown, "unavailable"), else_=_p.status).label("status"),
        case((is_unknown, NOT_COMPUTED), else_=_p.reason).label("reason"),
    ]
    is_value = and_(_p.lot_id == lots.c.id, _p.session == close.session, _p.portfolio_id == lots.c.portfolio_id)
    source = (
        lots.join(instruments, _is_term)
        .outerjoin(position_values, is_value)
        .outerjoin(security_master, and_(_master.symbol == _terms.underlying, ~_is_private))
        .outerjoin(option_greeks, and_(_greeks.session == close.session, _greeks.symbol == _p.symbol))
    )
    return select(*columns).select_from(source).where(lots.c.portfolio_id == portfolio_id)


def held_at(portfolio_id: uuid.UUID, close: Close) -> Select[Any]:
    """Lots that are open at a close, or ended on its session, in order of entry into the ledger."""
    return lots_at(portfolio_id, close).where(or_(state_at(close) == "open", _p.event.is_not(None))).order_by(lots.c.ordinal)


def book_at(portfolio_id: uuid.UUID, close: Close, totals: Sequence[str]) -> Select[Any]:
    """The lots of `held_at`, each beside `total_` columns of the snapshot; one row without a lot where there is none."""
    held = held_at(portfolio_id, close).order_by(None).subquery("held")
    snapshot = portfolio_snapshots.c
    is_snapshot = and_(snapshot.portfolio_id == portfolios.c.id, snapshot.session == close.session)
    source = portfolios.outerjoin(portfolio_snapshots, is_snapshot).outerjoin(held, held.c.portfolio_id == portfolios.c.id)
    whole = [snapshot[name].label(f"{TOTAL}{name}") for name in totals]
    return select(*held.c, *whole).select_from(source).where(portfolios.c.id == portfolio_id)


SORTABLE: Mapping[str, ColumnElement[Any]] = {
    "symbol": SYMBOL,
    "name": _master.name,
    "position_type": POSITION_TYPE,
    "underlying": _terms.underlying,
    "sector": SECTOR,
    "entry_date": lots.c.entry_date,
    "expiry": _terms.expiry,
    "quantity": func.coalesce(_p.quantity, cast(lots.c.quantity, Float)),
    **{name: _p[name] for name in VALUES if name not in ("price_status", "price_date")},
    "iv": _greeks.iv,
}
BY_SIZE = (func.abs(_p.market_value).desc().nulls_last(), lots.c.ordinal)
"""The order of reports: largest value first."""


def ledger_lot(portfolio_id: uuid.UUID, lot_id: uuid.UUID) -> Select[Any]:
    """A lot as the ledger has it."""
    columns = (
        lots.c.id.label("lot_id"),
        lots.c.portfolio_id,
        lots.c.symbol,
        lots.c.asset_class,
        POSITION_TYPE.label("position_type"),
        _terms.underlying,
        lots.c.quantity.label("entered_quantity"),
        lots.c.entry_price.label("entered_price"),
        lots.c.entry_date,
        lots.c.exit_date,
        lots.c.exit_price,
        TAGS.label("tags"),
    )
    source = lots.join(instruments, _is_term)
    return select(*columns).select_from(source).where(lots.c.portfolio_id == portfolio_id, lots.c.id == lot_id)


def owned_lots(owner_id: uuid.UUID, lot_ids: Sequence[uuid.UUID]) -> Select[Any]:
    """Those of some lots that are a user's."""
    mine = lots.join(portfolios, portfolios.c.id == lots.c.portfolio_id)
    return select(lots.c.id).select_from(mine).where(portfolios.c.owner_id == owner_id, lots.c.id.in_(lot_ids))


def suggestible(portfolio_id: uuid.UUID, close: Close) -> Select[Any]:
    """Open lots in order, each beside NAV and its underlying's specific volatility."""
    betas, snapshot = factor_betas.c, portfolio_snapshots.c
    held = lots_at(portfolio_id, close).where(state_at(close) == "open").add_columns(lots.c.ordinal).subquery("held")
    of_market = and_(betas.session == close.session, betas.symbol == held.c.underlying, betas.factor == MARKET)
    is_snapshot = and_(snapshot.portfolio_id == held.c.portfolio_id, snapshot.session == close.session)
    source = (
        held.outerjoin(factor_betas, of_market)
        .outerjoin(portfolio_snapshots, is_snapshot)
        .outerjoin(security_master, _master.symbol == held.c.underlying)
    )
    return (
        select(*held.c, betas.residual_vol, snapshot.nav, security_master.c.sector.label("gics_sector"))
        .select_from(source)
        .order_by(held.c.ordinal)
    )


def tags_of(lot_id: uuid.UUID) -> Select[Any]:
    """The tags of one lot, joined by commas."""
    return select(TAGS.label("tags")).select_from(lots).where(lots.c.id == lot_id)


def has_tags(names: Sequence[str], *, every: bool) -> ColumnElement[bool]:
    """Lots that carry one of these tags, or every one; spelling does not matter."""
    keys = sorted({name.lower() for name in names})
    named = select(func.count()).select_from(lot_tags.join(tags, tags.c.id == lot_tags.c.tag_id))
    found = named.where(lot_tags.c.lot_id == lots.c.id, tags.c.name_key.in_(keys)).correlate(lots).scalar_subquery()
    return found >= (len(keys) if every else 1)


def chosen(
    *,
    types: Sequence[str] = (),
    symbols: Sequence[str] = (),
    underlyings: Sequence[str] = (),
    sectors: Sequence[str] = (),
    strategies: Sequence[str] = (),
    tag_names: Sequence[str] = (),
    every_tag: bool = False,
    min_value: float | None = None,
) -> list[ColumnElement[bool]]:
    """Conditions of the filters that are given; each list means any of its values."""
    out: list[ColumnElement[bool]] = []
    if types:
        out.append(POSITION_TYPE.in_(types))
    if symbols:
        names = [name.upper() for name in symbols]
        out.append(or_(SYMBOL.in_(names), lots.c.symbol.in_(names)))
    if underlyings:
        out.append(_terms.underlying.in_([name.upper() for name in underlyings]))
    if sectors:
        out.append(func.lower(SECTOR).in_([name.lower() for name in sectors]))
    if strategies:
        out.append(has_tags([STRATEGY + name for name in strategies], every=False))
    if tag_names:
        out.append(has_tags(tag_names, every=every_tag))
    if min_value is not None:
        out.append(func.abs(_p.market_value) >= min_value)
    return out
