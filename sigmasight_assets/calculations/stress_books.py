"""Books of some sessions, ready for scenarios, and the columns that every result has: gains, their parts, coverage, status."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Table, select

from sigmasight_assets.calculations import stress
from sigmasight_assets.calculations.factor_inputs import read_betas
from sigmasight_assets.calculations.holdings import Holdings, read_holdings
from sigmasight_assets.calculations.packing import positions_key
from sigmasight_assets.calculations.reader import Reader
from sigmasight_assets.calculations.stress import Moves, StressedBook, prepare
from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.ledger.private_proxies import proxies_of
from sigmasight_assets.scenarios.definition import SEVERITIES
from sigmasight_assets.scenarios.shipped import severity_bands
from sigmasight_assets.store.frames import cells_to_frame
from sigmasight_assets.store.tables import portfolio_snapshots, position_values
from sigmasight_assets.store.tables.risk import ASSET_CLASSES, PNL_TERMS

ROWS_PER_FRAME = 100_000
"""Rows written at once: a row may carry thousands of positions."""
Columns = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """What results of a portfolio are measured by."""

    nav: float
    gross: float
    status: str
    reason: str | None


class Books:
    """Holdings, betas and bases of some sessions: what both tables read."""

    def __init__(self, reader: Reader, sessions: Sequence[date], ids: list[uuid.UUID]) -> None:
        self.reader, self.ids = reader, ids
        self.position = np.sort(reader.positions(sessions))
        self.heads = self._read_heads()
        self.proxies = {(one.portfolio_id, one.symbol): (one.proxy, float(one.multiple)) for one in proxies_of(reader.connection, ids)}
        self.names = self._read_names()
        self.place = {name: i for i, name in enumerate(self.names)}

    def _read_heads(self) -> dict[tuple[date, uuid.UUID], Head]:
        s = portfolio_snapshots.c
        query = select(s.session, s.portfolio_id, s.nav, s.market_value_gross, s.status, s.reason).where(
            s.session.between(*self.span()), s.portfolio_id.in_(self.ids), s.status != "quarantined"
        )
        return {
            (row.session.date(), row.portfolio_id): Head(row.nav, row.market_value_gross, row.status, row.reason)
            for row in self.reader.frame(query).itertuples()
        }

    def _read_names(self) -> list[str]:
        p = position_values.c
        query = select(p.underlying).distinct().where(p.session.between(*self.span()), p.portfolio_id.in_(self.ids))
        return sorted({*self.reader.frame(query)["underlying"], *(proxy for proxy, _ in self.proxies.values())})

    def span(self) -> tuple[date, date]:
        return self.reader.day(int(self.position[0])), self.reader.day(int(self.position[-1]))

    def chunks(self, scenarios: int) -> Iterator[tuple[list[date], list[tuple[date, Holdings | None, Array]]]]:
        """Sessions in chunks of at most `ROWS_PER_FRAME` rows, each with its holdings (None without any) and betas by name."""
        size = max(1, ROWS_PER_FRAME // max(1, scenarios * len(self.ids)))
        for start in range(0, len(self.position), size):
            part = self.position[start : start + size]
            days = [self.reader.day(p) for p in part.tolist()]
            held = {holdings.session: holdings for holdings in read_holdings(self.reader, days, self.ids)}
            betas = read_betas(self.reader, part, self.names)
            yield days, [(day, held.get(day), betas[line]) for line, day in enumerate(days)]

    def prepared(self, holdings: Holdings, betas: Array, moves: Moves) -> stress.Stress:
        """The session's holdings under moves; `betas` are those of `self.names`."""
        place = self.place
        own = betas[[place[name] for name in holdings.names]]
        follows = {}
        for lot in np.flatnonzero(holdings.is_private).tolist() if self.proxies else ():
            proxy = self.proxies.get((self.ids[int(holdings.portfolio[lot])], str(holdings.symbol[lot])))
            if proxy is not None:
                follows[lot] = proxy[1] * betas[place[proxy[0]]]
        return prepare(holdings, own, follows, moves)


def result_columns(
    holdings: Holdings | None, lots: slice, prepared: stress.Stress | None, which: IntArray
) -> tuple[Columns, StressedBook | None]:
    """Gains of one book under some scenarios, and the book they are of; None for one without lots."""
    if holdings is None or prepared is None or lots.start == lots.stop:
        return _empty_book(len(which)), None
    book = prepared.book(lots, which)
    return _of_book(holdings, lots, book), book


def finished(columns: Columns, scenario_status: np.ndarray, scenario_reason: np.ndarray, head: Head) -> Columns:
    """The columns with shares of NAV and gross, the band of the loss, and status."""
    columns = columns | _shares(columns, head)
    return columns | _statuses(columns, scenario_status, scenario_reason, head)


def _of_book(holdings: Holdings, lots: slice, book: StressedBook) -> Columns:
    """Gains and what they are made of, each of shape (n_scenarios,)."""
    size = holdings.size[lots]
    covered = book.covered
    known, uncovered = covered.any(axis=1), ~covered @ size
    whole = np.maximum(covered @ size + uncovered, np.finfo(np.float64).tiny)
    coverage = np.where(covered.all(axis=1), 1.0, np.where(known, 1.0 - uncovered / whole, 0.0))  # exact at both ends
    classes = {
        "equity": holdings.is_share[lots],
        "option": holdings.is_option[lots],
        "private": holdings.is_private[lots],
    }
    terms = [*book.by_factor.T, book.volatility, book.curve, book.floor, book.pnl - book.linear]
    figures = {"pnl": book.pnl, "pnl_linear": book.linear}
    figures |= {f"pnl_{name}": values for name, values in zip(PNL_TERMS, terms, strict=True)}
    figures |= {f"pnl_{name}": np.nansum(book.lot_pnl[:, classes[name]], axis=1) for name in ASSET_CLASSES}
    columns: Columns = {name: np.where(known, values, np.nan) for name, values in figures.items()}
    return columns | {
        "coverage": coverage,
        "uncovered": uncovered,
        "n_uncovered": np.count_nonzero(~covered, axis=1),
        "n_floored": book.n_floored,
        "position_pnl": list(book.lot_pnl),
        "positions_key": [positions_key(holdings.lot_id[lots])] * len(coverage),
    }


def _empty_book(n: int) -> Columns:
    """A book without lots gains nothing under any scenario."""
    nothing = np.zeros(n)
    names = ("pnl", "pnl_linear", *(f"pnl_{name}" for name in (*PNL_TERMS, *ASSET_CLASSES)), "uncovered", "pnl_deviation")
    counts = np.zeros(n, dtype=np.int64)
    return dict.fromkeys(names, nothing) | {
        "coverage": np.full(n, np.nan),
        "n_uncovered": counts,
        "n_floored": counts,
        "position_pnl": [np.zeros(0)] * n,
        "positions_key": [positions_key(np.zeros(0, dtype=object))] * n,
    }


def _shares(columns: Columns, head: Head) -> Columns:
    """The gain over NAV and over gross, and the band of the loss."""
    pnl = columns["pnl"]
    share = pnl / head.nav if head.nav > 0 else np.full(len(pnl), np.nan)
    lower = np.array(severity_bands().lower)
    band = np.searchsorted(lower, np.maximum(0.0, -np.nan_to_num(share)), side="right") - 1
    names = np.where(np.isnan(share), None, np.array(SEVERITIES, dtype=object)[band])
    return {
        "pnl_share": share,
        "pnl_gross_share": pnl / head.gross if head.gross > 0 else np.full(len(pnl), np.nan),
        "impact_band": names,
    }


def _statuses(columns: Columns, own: np.ndarray, why: np.ndarray, head: Head) -> Columns:
    """The worst of: the scenario's own, uncovered lots, the snapshot's. An unavailable scenario has no figures."""
    impossible = own == "unavailable"
    out: Columns = {name: np.where(impossible, np.nan, values) for name, values in columns.items() if name.startswith("pnl")}
    out["impact_band"] = np.where(impossible, None, columns["impact_band"])
    out["position_pnl"] = [None if gone else values for gone, values in zip(impossible, columns["position_pnl"], strict=True)]
    nothing, partly = columns["coverage"] == 0.0, columns["coverage"] < 1.0
    shareless = np.full(len(own), head.nav <= 0.0)  # the gain is known, its share of NAV means nothing
    conditions = [impossible, nothing, own == "partial", partly, shareless]
    rest = "partial" if head.status == "unavailable" else head.status  # without NAV the gain is known, its share is not
    status = np.select(conditions, ["unavailable", "unavailable", "partial", "partial", "partial"], rest)
    reason = np.select(conditions, [why, "no_betas", why, "uncovered_holdings", "nav_not_positive"], head.reason)
    return out | {"status": status.astype(object), "reason": reason.astype(object)}


def joined(columns: Sequence[Columns], table: Table) -> pd.DataFrame:
    """One frame of the books' columns, with the table's columns and types."""
    return cells_to_frame({column.name: _end_to_end([one[column.name] for one in columns]) for column in table.columns}, table)


def _end_to_end(parts: Sequence[Any]) -> Any:
    """One column of the books' parts of it."""
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return [value for part in parts for value in part]
