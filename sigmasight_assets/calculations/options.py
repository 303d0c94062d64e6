"""Option prices, implied volatilities by the ladder, and Greeks: one function for the asset, for values and for on-demand calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import select

from sigmasight_assets.calculations.contracts import OSI_TAIL, held_contracts, series_symbol
from sigmasight_assets.calculations.market_panels import Splits, read_splits
from sigmasight_assets.calculations.option_inputs import Rates, Underlyings, read_rates, read_underlyings
from sigmasight_assets.calculations.option_quotes import Series, read_quotes, solve_volatility
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.engines import black_scholes
from sigmasight_assets.engines.arrays import Array
from sigmasight_assets.engines.price_panel import STALE_LIMIT
from sigmasight_assets.engines.volatility_ladder import neighbour_volatility
from sigmasight_assets.ledger.kept_book import kept_book
from sigmasight_assets.store.frames import columns_to_frame
from sigmasight_assets.store.tables import option_greeks, option_quotes

COLUMNS = [column.name for column in option_greeks.columns]


def greeks_of_held_options(reader: Reader, sessions: Sequence[date]) -> pd.DataFrame:
    """Rows of `option_greeks`: every series that any portfolio holds, or settles, on each session."""
    lots = kept_book(reader.database, reader.connection, reader.calendar).lots
    splits = read_splits(reader, sorted(set(lots.underlying[lots.is_option])))
    return price_contracts(reader, held_contracts(lots, splits, reader.positions(sessions)))


def price_contracts(reader: Reader, contracts: pd.DataFrame) -> pd.DataFrame:
    """Price contracts on sessions.

    Parameters
    ----------
    contracts : DataFrame
        Columns of `calculations.contracts.COLUMNS`; any sessions, in calendar positions.

    Returns
    -------
    DataFrame
        Columns of the table `option_greeks`, one row per row of `contracts` and in its order.
    """
    if contracts.empty:
        return _empty()
    first, last = int(contracts["position"].min()), int(contracts["position"].max())
    underlyings = sorted(set(contracts["underlying"]))
    market = read_underlyings(reader, underlyings, max(first - STALE_LIMIT, 0), last)
    rates = read_rates(reader, max(first - STALE_LIMIT, 0), last)
    rows = _with_inputs(reader, contracts, market, rates)
    rows = _climb_ladder(reader, rows, market, rates)
    return _valued(rows)


def _with_inputs(reader: Reader, contracts: pd.DataFrame, market: Underlyings, rates: Rates) -> pd.DataFrame:
    position = contracts["position"].to_numpy()
    names = list(contracts["underlying"])
    spot, age = market.at(market.spot, position, names), market.at(market.spot_age, position, names)
    expiry = contracts["expiry"].to_numpy().astype("datetime64[D]")
    days = (expiry - reader.calendar.days[position]).astype(np.int64)
    years = np.where(position >= contracts["settlement"].to_numpy(), 0.0, days / 365.0)
    dividends = market.at(market.dividends, position, names)
    full = market.at(market.window_is_full, position, names) == 1.0
    curve = rates.curve_position(position)
    return contracts.assign(
        session=reader.sessions(position),
        years=years,
        spot=spot,
        spot_date=reader.sessions(np.where(age >= 0, position - age, -1).astype(np.int64)),
        dividend_yield=dividends / spot,
        dividend_yield_source=np.select([np.isnan(spot), dividends == 0, full], [None, "none", "trailing_252"], "short_window"),
        rate=rates.zero_rate(position, years),
        rate_date=reader.sessions(curve),
        realized=market.at(market.realized, position, names),
        spot_is_stale=age > 0,
    )


def _climb_ladder(reader: Reader, rows: pd.DataFrame, market: Underlyings, rates: Rates) -> pd.DataFrame:
    """Price of the session and implied volatility: quote, chain, carried, neighbour, realized_63."""
    first, last = int(rows["position"].min()), int(rows["position"].max())
    named = {lag: _names_before(rows, market.splits, lag) for lag in range(STALE_LIMIT + 1)}
    series = Series(
        underlying=dict(zip(rows["symbol"].str[:-OSI_TAIL], rows["underlying"], strict=True)),
        settlement=dict(zip(rows["symbol"], rows["settlement"], strict=True)),
        strike={name: strike for names, strikes in named.values() for name, strike in zip(names, strikes, strict=True)},
    )
    quotes = read_quotes(reader, first - STALE_LIMIT, last, symbols=list(series.strike))
    quotes = solve_volatility(quotes, series, market, rates).set_index(["position", "symbol"])
    own = quotes.reindex(pd.MultiIndex.from_frame(rows[["position", "symbol"]]))
    iv, source = own["iv"].to_numpy(copy=True), own["iv_source"].to_numpy(dtype=object).copy()
    source[np.isnan(iv)] = None
    iv_position = np.where(np.isnan(iv), -1, rows["position"])
    reason = own["iv_reason"].to_numpy(dtype=object).copy()
    reason[own["price"].isna().to_numpy()] = "no_quote"
    for lag in range(1, STALE_LIMIT + 1) if len(quotes) else ():
        before = pd.MultiIndex.from_arrays([rows["position"] - lag, named[lag][0]])
        carried = quotes["iv"].reindex(before).to_numpy()
        found = np.isnan(iv) & ~np.isnan(carried)
        iv[found], source[found], iv_position[found] = carried[found], "carried", rows["position"].to_numpy()[found] - lag
    found, neighbour = _neighbours(reader, rows, np.isnan(iv), series, market, rates)
    iv[found], source[found], iv_position[found] = neighbour[found], "neighbour", rows["position"].to_numpy()[found]
    realized = rows["realized"].to_numpy()
    found = np.isnan(iv) & (realized > 0)
    iv[found], source[found], iv_position[found] = realized[found], "realized_63", rows["position"].to_numpy()[found]

    expired, no_spot, no_rate = rows["years"].to_numpy() <= 0, rows["spot"].isna().to_numpy(), rows["rate"].isna().to_numpy()
    reason = np.select([expired, no_spot, no_rate], ["expired", "no_spot", "no_rate"], reason)
    reason[(source == "quote") & ~expired] = None
    unusable = expired | no_spot | no_rate
    iv[unusable], source[unusable], iv_position[unusable] = np.nan, None, -1
    return rows.assign(
        quoted_price=own["price"].to_numpy(),
        price_source=own["price_source"].to_numpy(dtype=object),
        iv=iv,
        iv_source=source,
        iv_date=reader.sessions(iv_position.astype(np.int64)),
        iv_reason=reason,
    )


def _names_before(rows: pd.DataFrame, splits: Splits, lag: int) -> tuple[np.ndarray, Array]:
    """Symbol and strike of each series `lag` sessions before: a split since then has moved both."""
    names, strikes = rows["symbol"].to_numpy(dtype=object).copy(), rows["strike"].to_numpy(copy=True)
    for underlying in set(rows["underlying"]) & splits.events.keys():
        mine = np.flatnonzero(rows["underlying"] == underlying)
        position = rows["position"].to_numpy()[mine]
        ratio = splits.running(underlying, position) / splits.running(underlying, position - lag)
        mine, ratio = mine[ratio != 1.0], ratio[ratio != 1.0]
        strikes[mine] *= ratio
        names[mine] = [series_symbol(name, strike) for name, strike in zip(names[mine], strikes[mine], strict=True)]
    return names, strikes


def _neighbours(
    reader: Reader,
    rows: pd.DataFrame,
    wanted: np.ndarray,
    series: Series,
    market: Underlyings,
    rates: Rates,
) -> tuple[np.ndarray, np.ndarray]:
    """Volatility from other series of the same underlying and session, and where it was found."""
    out = np.full(len(rows), np.nan)
    wanted = wanted & (rows["years"].to_numpy() > 0) & rows["spot"].notna().to_numpy()
    if not wanted.any():
        return np.zeros(len(rows), dtype=bool), out
    some = rows[wanted]
    has_quotes = reader.frame(
        select(option_quotes.c.session)
        .where(option_quotes.c.session.between(some["session"].min().date(), some["session"].max().date()))
        .limit(1)
    )
    if has_quotes.empty:
        return np.zeros(len(rows), dtype=bool), out
    names = set(some["underlying"])
    roots = sorted(root for root, name in series.underlying.items() if name in names)
    chain = read_quotes(reader, int(some["position"].min()), int(some["position"].max()), roots=roots)
    chain = solve_volatility(chain, series, market, rates)
    chain = chain[chain["iv"].notna() & (chain["years"] > 0)]
    by_place = dict(list(chain.groupby(["position", "underlying"])))
    for key, targets in some.groupby(["position", "underlying"]):
        quoted = by_place.get(key)
        if quoted is not None:
            out[rows.index.get_indexer(targets.index)] = neighbour_volatility(
                targets["strike"].to_numpy(),
                targets["years"].to_numpy(),
                quoted["strike"].to_numpy(),
                quoted["years"].to_numpy(),
                quoted["iv"].to_numpy(),
            )
    return ~np.isnan(out), out


def _valued(rows: pd.DataFrame) -> pd.DataFrame:
    """Greeks at the ladder's volatility, the price by the price ladder, and what every row carries."""
    is_call = (rows["option_type"] == "C").to_numpy()
    strike, spot, years = rows["strike"].to_numpy(), rows["spot"].to_numpy(), rows["years"].to_numpy()
    expired = (years <= 0) & ~np.isnan(spot)
    volatility = np.where(expired, 0.0, rows["iv"].to_numpy())  # at expiry every volatility gives the same limits
    rate = np.where(expired, 0.0, rows["rate"].to_numpy())
    dividend_yield = np.where(expired, 0.0, rows["dividend_yield"].to_numpy())
    value = black_scholes.price_and_greeks(is_call, spot, strike, years, rate, dividend_yield, volatility)
    quoted = rows["quoted_price"].to_numpy()
    price = np.where(np.isnan(quoted), value.price, quoted)
    intrinsic = np.maximum(0.0, np.where(is_call, spot - strike, strike - spot))
    missing, no_greeks = np.isnan(price), np.isnan(value.delta)
    american = (rows["exercise_style"] == "american").to_numpy()
    status = np.select([missing, no_greeks, rows["spot_is_stale"].to_numpy()], ["unavailable", "partial", "stale"], "ok")
    why = np.select([missing | no_greeks, status == "stale"], [rows["iv_reason"].to_numpy(dtype=object), "stale_spot"], None)
    frame = rows.assign(
        model="black_scholes_merton",
        price=price,
        price_status=np.select([~np.isnan(quoted), ~missing], ["ok", "model"], "missing"),
        price_source=np.where(np.isnan(quoted), np.where(missing, None, "model"), rows["price_source"].to_numpy(dtype=object)),
        model_price=value.price,
        delta=value.delta,
        gamma=value.gamma,
        theta_per_day=value.theta_per_day,
        vega_per_volpt=value.vega_per_volpt,
        rho_per_pct=value.rho_per_pct,
        intrinsic=intrinsic,
        early_exercise_value_bound=np.where(american, np.maximum(0.0, intrinsic - price), 0.0),
        status=status,
        reason=why,
    )
    return frame[COLUMNS]


def _empty() -> pd.DataFrame:
    return columns_to_frame([], [(column.name, column.type) for column in option_greeks.columns])
