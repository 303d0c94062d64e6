"""`position_values`: what each lot is worth, gained and is exposed to on each session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.lot_prices import MISSING, STALE, STATUS_WORDS
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.valuation import Block, runs_of, value_blocks
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import portfolios, position_values

COLUMNS = [column.name for column in position_values.columns]
ROWS_PER_FRAME = 200_000


def portfolios_of(reader: Reader, portfolio_ids: Sequence[uuid.UUID] | None) -> list[uuid.UUID]:
    """The portfolios of a scope; all when None."""
    query = select(portfolios.c.id)
    if portfolio_ids is not None:
        query = query.where(portfolios.c.id.in_(list(portfolio_ids)))
    return sorted(reader.frame(query)["id"])


def position_frames(
    reader: Reader, sessions: Sequence[date], portfolio_ids: Sequence[uuid.UUID] | None, *, stored_options: bool = True
) -> Iterator[tuple[list[date], pd.DataFrame]]:
    """Rows of `position_values` in chunks of whole sessions.

    Parameters
    ----------
    stored_options : bool
        Whether `option_greeks` holds the sessions; else option prices are computed by the same function.

    Yields
    ------
    (sessions, frame)
        All rows of those sessions for the portfolios (all when None), with the table's columns.
    """
    book = kept_book(reader.database, reader.connection, reader.calendar, portfolio_ids)
    size = max(1, ROWS_PER_FRAME // max(1, len(book.lots)))
    for run in runs_of(np.sort(reader.positions(sessions))):
        for start in range(0, len(run), size):
            position = run[start : start + size]
            chunk = [reader.day(p) for p in position.tolist()]
            frames = [
                _rows(reader, block, book.portfolio_ids) for block in value_blocks(reader, book, position, chunk if stored_options else [])
            ]
            frames = [frame for frame in frames if len(frame)]
            yield chunk, pd.concat(frames, ignore_index=True) if frames else empty_frame()


def empty_frame() -> pd.DataFrame:
    return columns_to_frame([], [(column.name, column.type) for column in position_values.columns])


def _rows(reader: Reader, block: Block, portfolio_ids: list[uuid.UUID]) -> pd.DataFrame:
    """Rows of the lots held or ended on each session but the first of the block."""
    lots, prices, panel = block.lots, block.prices, block.panel
    present = panel.is_open | panel.is_ended
    present[0] = False
    i, j = np.nonzero(present)
    ended = panel.is_ended[i, j]
    quantity, multiplier = panel.quantity[i, j], lots.multiplier[j]
    units = quantity * multiplier
    market_value = panel.market_value[i, j]
    entry_price = panel.entry_price[i, j]
    cost_basis = np.where(ended, np.nan, units * entry_price)
    price = np.where(ended, block.end_price[j], prices.price[i, j])
    status = np.where(ended, np.where(np.isnan(price), MISSING, 1), prices.status[i, j])
    is_option = lots.is_option[j]
    exposures = _exposures(block, i, j, units, market_value, ended)
    reason, row_status = _row_status(prices.reason[i, j], status, exposures["delta_dollars"], price, ended)
    session = reader.sessions(block.position[i])
    return pd.DataFrame(
        {
            "session": session,
            "portfolio_id": _objects(portfolio_ids, lots.portfolio[j]),
            "lot_id": pd.Series(lots.lot_id[j], dtype=object),
            "symbol": pd.Series(prices.symbol[i, j], dtype=object),
            "asset_class": pd.Series(lots.asset_class[j], dtype=object),
            "position_type": pd.Series(_position_type(quantity, is_option, lots.option_type[j]), dtype=object),
            "underlying": pd.Series(lots.underlying[j], dtype=object),
            "event": pd.Series(_event(ended, lots.is_settled[j], quantity, price), dtype=object),
            "quantity": quantity,
            "multiplier": multiplier,
            "entry_price": entry_price,
            "price": price,
            "price_status": pd.Series(STATUS_WORDS[status], dtype=object),
            "price_date": np.where(ended, session, reader.sessions(prices.price_position[i, j])),
            "market_value": market_value,
            "cost_basis": cost_basis,
            "unrealized_pnl": market_value - cost_basis,
            "realized_pnl": np.where(ended, units * (price - entry_price), np.nan),
            "pnl": panel.pnl[i, j],
            "dividends": panel.dividends[i, j],
            "coverage_change": panel.coverage_change[i, j],
            **exposures,
            "status": row_status,
            "reason": reason,
        }
    )[COLUMNS]


def _exposures(block: Block, i: np.ndarray, j: np.ndarray, units: Array, market_value: Array, ended: np.ndarray) -> dict[str, Array]:
    """Exposures and position Greeks; NaN where an input is missing, or the lot ended."""
    greeks = {name: values[i, j] for name, values in block.prices.greeks.items()}
    is_option, is_call = block.lots.is_option[j], block.lots.option_type[j] == "C"
    of_options = option_exposures(units, is_call, greeks)
    of_others = dict.fromkeys(of_options, np.zeros(len(units))) | {"notional_exposure": market_value, "delta_dollars": market_value}
    exposures = {name: np.where(is_option, values, of_others[name]) for name, values in of_options.items()}
    return {name: np.where(ended, np.nan, values) for name, values in exposures.items()}


def option_exposures(units: Array, is_call: np.ndarray, greeks: Mapping[str, Array]) -> dict[str, Array]:
    """Exposures and Greeks of option positions, each of shape (n,).

    Parameters
    ----------
    units : Array of shape (n,)
        quantity x multiplier, signed.
    greeks : mapping
        `spot`, and per share of the underlying `delta`, `gamma`, `theta_per_day`, `vega_per_volpt`, `rho_per_pct`.
    """
    spot = greeks["spot"]
    return {
        "notional_exposure": np.where(is_call, 1.0, -1.0) * units * spot,
        "delta_dollars": units * greeks["delta"] * spot,
        "gamma_dollars_per_pct": units * greeks["gamma"] * spot**2 * 0.01,
        **{name: units * greeks[name] for name in ("theta_per_day", "vega_per_volpt", "rho_per_pct")},
    }


def _row_status(
    why: np.ndarray, status: np.ndarray, delta_dollars: Array, price: Array, ended: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reason and status of each row: missing price, missing Greeks, older close, or ok."""
    no_price = np.isnan(price)
    no_greeks = ~ended & ~no_price & np.isnan(delta_dollars)
    older = (status == STALE) | (why == "stale_spot")
    words = np.select([no_price, no_greeks, ~ended & older], ["unavailable", "partial", "stale"], "ok")
    reason = np.select(
        [no_price & ended, no_price | no_greeks, words == "stale"],
        ["settlement_unpriced", np.where(why == None, "no_price", why), np.where(why == None, "stale_price", why)],  # noqa: E711
        None,
    )
    return reason.astype(object), words.astype(object)


def _position_type(quantity: Array, is_option: np.ndarray, option_type: np.ndarray) -> np.ndarray:
    side = np.where(quantity > 0, "L", "S").astype(object)
    option = side + np.where(is_option, option_type, "").astype(object)
    return np.where(is_option, option, np.where(quantity > 0, "LONG", "SHORT").astype(object))


def _event(ended: np.ndarray, settled: np.ndarray, quantity: Array, price: Array) -> np.ndarray:
    """How a lot ended: a settlement in the money is exercised by its holder and assigned to its writer."""
    in_the_money = np.where(price > 0, np.where(quantity > 0, "exercised", "assigned"), "expired_worthless")
    return np.where(ended, np.where(settled, np.where(np.isnan(price), "settled_unpriced", in_the_money), "exited"), None)


def _objects(values: list[uuid.UUID], index: np.ndarray) -> pd.Series:
    table = np.empty(len(values), dtype=object)
    table[:] = values
    return pd.Series(table[index], dtype=object)
