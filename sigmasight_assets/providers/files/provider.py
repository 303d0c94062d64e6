"""`SIGMASIGHT_PROVIDER=files`: market data from a folder of CSV or Parquet files (docs/data-formats.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_assets.errors import InvalidData, ProviderError
from sigmasight_assets.providers.files.folder import FolderData, read_folder
from sigmasight_assets.providers.protocol import QUOTE_COLUMNS, YIELD_COLUMNS, Answer, Gap, Proxy, empty, typed
from sigmasight_assets.sessions import calendar_for, utc_now
from sigmasight_assets.store.frames import session_array

SHOWN_ERRORS = 10


class FilesProvider:
    """A folder of files. Dates and coverage are answered from whatever is readable; data only when nothing is wrong with the folder."""

    name = "files"

    def __init__(self, folder: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self.folder, self._clock = folder, clock

    def data(self) -> FolderData:
        """The folder as it is now: read again when a file changed."""
        now = self._clock()
        calendar = calendar_for(now)
        return read_folder(self.folder, calendar, calendar.last_closed(now))

    @property
    def is_live(self) -> bool:
        return self.data().configuration.live

    @property
    def proxies(self) -> Mapping[str, Proxy]:
        return self.data().proxies

    def first_session(self) -> date:
        return _day(self._priced()["session"].min())

    def last_session(self, now: datetime) -> date:
        last_closed = calendar_for(now).last_closed(now)
        sessions = self._priced()["session"]
        return _day(sessions[sessions <= pd.Timestamp(last_closed)].max())

    def known_symbols(self) -> frozenset[str]:
        return frozenset(self.data().coverage.index)

    def prices(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        data = self._sound()
        rows = _of_sessions(data.prices, sessions)
        gaps = self._outside(sessions, "prices")
        if symbols is not None:
            rows = rows[rows["symbol"].isin(set(symbols))]
            gaps += tuple(Gap(symbol, None, None, "unknown_symbol") for symbol in sorted(set(symbols) - set(data.coverage.index)))
        gaps += tuple(Gap(finding.file, None, None, "non_session") for finding in data.findings if finding.code == "non_session")
        return Answer(rows.reset_index(drop=True), gaps, data.confirmed)

    def treasury_yields(self, sessions: Sequence[date]) -> Answer:
        data = self._sound()
        if data.yields.empty:
            return Answer(empty(YIELD_COLUMNS), (Gap("treasury_yields", None, None, "provider_has_none"),))
        sources = data.yields.drop_duplicates("tenor_months").set_index("tenor_months")["source"].sort_index()
        days = np.unique(session_array(list(sessions)))
        grid = pd.MultiIndex.from_product([days, sources.index], names=["session", "tenor_months"])
        rows = (
            _of_sessions(data.yields, sessions).set_index(["session", "tenor_months"])[["par_yield", "source"]].reindex(grid).reset_index()
        )
        rows["source"] = rows["source"].where(rows["source"].notna(), rows["tenor_months"].map(sources))
        silent = np.setdiff1d(days, data.yields["session"].to_numpy())
        gaps = tuple(Gap("treasury_yields", _day(day), _day(day), "not_published") for day in silent)
        return Answer(typed(rows, YIELD_COLUMNS), gaps)

    def security_master(self, symbols: Collection[str] | None = None) -> Answer:
        rows = self._sound().master
        if symbols is None:
            return Answer(rows)
        strangers = sorted(set(symbols) - set(rows["symbol"]))
        gaps = tuple(Gap(symbol, None, None, "unknown_symbol") for symbol in strangers)
        return Answer(rows[rows["symbol"].isin(set(symbols))].reset_index(drop=True), gaps)

    def option_quotes(self, sessions: Sequence[date], symbols: Collection[str] | None = None) -> Answer:
        data = self._sound()
        if data.quotes.empty:
            first, last = (min(sessions), max(sessions)) if sessions else (None, None)
            return Answer(empty(QUOTE_COLUMNS), (Gap("option_quotes", first, last, "provider_has_none"),))
        rows = _of_sessions(data.quotes, sessions)
        if symbols is not None:
            rows = rows[rows["symbol"].isin(set(symbols))]
        return Answer(rows.reset_index(drop=True), ())

    def _sound(self) -> FolderData:
        """The data of a folder without errors.

        Raises
        ------
        InvalidData
            Naming the first errors with file, line, column and value, and how many there are.
        """
        data = self.data()
        if data.n_errors:
            shown = "; ".join(str(finding) for finding in data.errors[:SHOWN_ERRORS])
            more = f"; and more (`sigmasight data check {self.folder}` lists all)" if len(data.errors) > SHOWN_ERRORS else ""
            raise InvalidData(f"The market data in {self.folder} were refused: {data.n_errors} errors. {shown}{more}")
        return data

    def _priced(self) -> pd.DataFrame:
        data = self.data()
        if data.prices.empty:
            shown = "; ".join(str(finding) for finding in data.errors[:SHOWN_ERRORS])
            raise ProviderError(f"SIGMASIGHT_DATA_DIR={self.folder}: there is no price that could be used. {shown}")
        return data.prices

    def _outside(self, sessions: Sequence[date], what: str) -> tuple[Gap, ...]:
        known = self._priced()["session"]
        first, last = _day(known.min()), _day(known.max())
        beyond = [day for day in sessions if not first <= day <= last]
        return (Gap(what, min(beyond), max(beyond), "outside_the_data"),) if beyond else ()


def files_provider(folder: Path | None) -> FilesProvider:
    """The provider of `SIGMASIGHT_DATA_DIR`."""
    if folder is None:
        raise ProviderError("SIGMASIGHT_PROVIDER is 'files': set SIGMASIGHT_DATA_DIR to the folder of the data.")
    return FilesProvider(folder.expanduser().resolve())


def _of_sessions(frame: pd.DataFrame, sessions: Sequence[date]) -> pd.DataFrame:
    return frame[frame["session"].isin(session_array(list(sessions)))]


def _day(moment: object) -> date:
    return pd.Timestamp(moment).date()  # type: ignore[arg-type]
