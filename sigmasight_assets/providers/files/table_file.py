"""A CSV or Parquet file as columns of texts, numbers and dates, with the line of every row."""

from __future__ import annotations

import csv
import gzip
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sigmasight_assets.engines.arrays import Array, IntArray
from sigmasight_assets.providers.files.cells import MISSING, dates_of, is_date, numbers_of
from sigmasight_assets.providers.files.findings import Findings

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".parquet", ".pq")
_SEPARATORS = (",", ";", "\t", "|")


@dataclass
class TableFile(ABC):
    """One file, header read and cells on demand.

    Attributes
    ----------
    name : str
        Relative to the folder.
    headers : tuple of str
        As written.
    """

    name: str
    headers: tuple[str, ...]
    findings: Findings

    @abstractmethod
    def load(self, columns: Sequence[int], numeric: Sequence[int]) -> None:
        """Read the cells of some columns, those in `numeric` as numbers."""

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Rows below the header."""

    @abstractmethod
    def lines(self, rows: IntArray) -> list[int]:
        """Lines of some rows in the file."""

    @abstractmethod
    def first_row(self) -> list[str]:
        """Cells of the first row, empty where there is none."""

    @abstractmethod
    def texts(self, column: int) -> pd.Categorical:
        """Cells as they are written; missing where a cell is empty."""

    @abstractmethod
    def numbers(self, column: int) -> Array:
        """Finite numbers, NaN where there is none; what is no number is a finding."""

    def dates(self, column: int, date_format: str | None) -> np.ndarray:
        """Dates as datetime64[s]; NaT where there is none; what is no date is a finding."""
        texts = self.texts(column)
        values, bad = dates_of(texts, date_format)
        self.report("not_a_date", column, bad, texts)
        return values

    def report(self, code: str, column: int | None, rows: IntArray, values: Sequence[object] | pd.Categorical | np.ndarray) -> None:
        """A finding for some rows; `values` are those of all rows."""
        if len(rows):
            some = rows[:50]
            name = None if column is None else self.headers[column]
            self.findings.add_lines(code, self.name, name, self.lines(some), [values[row] for row in some], len(rows))


@dataclass
class CsvFile(TableFile):
    """A text file; the C parser reads the cells, and where it stumbles they are read again as texts to name the faults."""

    content: bytes
    separator: str
    skip: int
    _frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    _lines: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def n_rows(self) -> int:
        return len(self._frame)

    def lines(self, rows: IntArray) -> list[int]:
        return [int(line) for line in self._lines[rows]]

    def first_row(self) -> list[str]:
        rest = self.content.split(b"\n", self.skip + 20)[self.skip : self.skip + 20]
        line = next((line for line in rest if line.strip()), b"").decode("utf-8", errors="replace")
        return next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])

    def load(self, columns: Sequence[int], numeric: Sequence[int]) -> None:
        self._lines = self._checked_lines()
        texts = [column for column in columns if column not in numeric]
        try:
            self._frame = self._parse(columns, dict.fromkeys(texts, "category") | dict.fromkeys(numeric, "float64"))
        except ValueError:
            self._frame = self._parse(columns, dict.fromkeys(texts, "category") | dict.fromkeys(numeric, "str"))
        if len(self._frame) != len(self._lines):
            self.findings.add("unreadable_file", self.name, detail="Quotes are not closed.")
            self._frame, self._lines = self._frame.iloc[:0], self._lines[:0]

    def texts(self, column: int) -> pd.Categorical:
        cells = self._frame[column].array
        assert isinstance(cells, pd.Categorical)  # as `load` read it
        return cells

    def numbers(self, column: int) -> Array:
        cells = self._frame[column]
        if cells.dtype == np.float64:
            values = cells.to_numpy(copy=True)
            bad = np.flatnonzero(np.isinf(values))
            values[bad] = np.nan
            self.report("not_a_number", column, bad, np.where(np.isnan(values), "inf", ""))
            return values
        texts = cells.astype(object).fillna("")
        values, bad = numbers_of(texts)
        self.report("not_a_number", column, bad, texts.to_numpy())
        return values

    def _parse(self, columns: Sequence[int], kinds: dict[int, str]) -> pd.DataFrame:
        names = list(range(len(self.headers)))
        numeric = {column: list(MISSING) for column, kind in kinds.items() if kind == "float64"}
        return pd.read_csv(
            io.BytesIO(self.content), sep=self.separator, header=None, names=names, index_col=False, skiprows=self.skip,
            usecols=list(columns), dtype=kinds, keep_default_na=False, na_values=numeric,
            encoding="utf-8", skipinitialspace=True,
        )  # fmt: skip

    def _checked_lines(self) -> IntArray:
        """The line of every row; rows with too many or too few cells are findings, and taken out."""
        numbers, counts = self._counted_by_record() if b'"' in self.content else self._counted_by_byte()
        wrong = np.flatnonzero(counts != len(self.headers))
        if not len(wrong):
            return numbers
        shown = [f"{counts[i]} cells, the header has {len(self.headers)}" for i in wrong[:50]]
        self.findings.add_lines("wrong_cell_count", self.name, None, [int(numbers[i]) for i in wrong[:50]], shown, len(wrong))
        lines = self.content.split(b"\n")
        ends = np.append(numbers[1:], len(lines) + 1)
        for i in wrong.tolist():
            lines[numbers[i] - 1 : ends[i] - 1] = [b""] * int(ends[i] - numbers[i])
        self.content = b"\n".join(lines)
        return numbers[counts == len(self.headers)]

    def _counted_by_byte(self) -> tuple[IntArray, IntArray]:
        """Line numbers and cell counts of all rows, from the bytes (no cell is quoted)."""
        cells = np.frombuffer(self.content, dtype=np.uint8)
        marks = np.flatnonzero((cells == ord(self.separator)) | (cells == ord("\n")))
        line_ends = np.flatnonzero(cells[marks] == ord("\n"))
        ends, counts = marks[line_ends], np.diff(line_ends, prepend=-1)
        if not len(ends) or ends[-1] != len(cells) - 1:  # the last line does not end
            counts = np.append(counts, len(marks) - (line_ends[-1] + 1 if len(line_ends) else 0) + 1)
            ends = np.append(ends, len(cells))
        starts = np.concatenate([[0], ends[:-1] + 1])
        single = np.flatnonzero(counts == 1)  # without a separator: blank, or of one cell
        blank = [i for i in single.tolist() if not self.content[starts[i] : ends[i]].strip()]
        written = np.ones(len(counts), dtype=bool)
        written[blank] = False
        rows = np.flatnonzero(written)
        rows = rows[rows >= self.skip]
        return rows + 1, counts[rows]

    def _counted_by_record(self) -> tuple[IntArray, IntArray]:
        """The same by the csv module, where a quoted cell may hold separators and line breaks."""
        reader = csv.reader(io.StringIO(self.content.decode("utf-8"), newline=""), delimiter=self.separator, skipinitialspace=True)
        numbers, counts, begins = [], [], 1
        for cells in reader:
            if begins > self.skip and (len(cells) > 1 or any(cell.strip() for cell in cells)):
                numbers.append(begins)
                counts.append(len(cells))
            begins = reader.line_num + 1
        return np.array(numbers, dtype=np.int64), np.array(counts, dtype=np.int64)


@dataclass
class ParquetFile(TableFile):
    """A Parquet file; its rows count from 1."""

    frame: pd.DataFrame

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    def lines(self, rows: IntArray) -> list[int]:
        return [int(row) + 1 for row in rows]

    def first_row(self) -> list[str]:
        return [str(cell) for cell in self.frame.iloc[0]] if len(self.frame) else []

    def load(self, columns: Sequence[int], numeric: Sequence[int]) -> None:
        """Nothing: the file was read whole."""

    def texts(self, column: int) -> pd.Categorical:
        cells = self.frame.iloc[:, column]
        if cells.dtype.kind in "Mm":
            return pd.Categorical(cells.dt.strftime("%Y-%m-%d").fillna(""))
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype(object)
        whole = cells.dtype.kind == "f" and bool((cells.dropna() % 1 == 0).all())
        if whole and cells.notna().all():
            cells = cells.astype(np.int64)
        return pd.Categorical(cells.map(lambda cell: "" if cell is None or cell != cell else str(cell)))

    def dates(self, column: int, date_format: str | None) -> np.ndarray:
        cells = self.frame.iloc[:, column]
        if cells.dtype.kind == "M":
            local = cells.dt.tz_localize(None) if cells.dt.tz is not None else cells
            return local.to_numpy().astype("datetime64[D]").astype("datetime64[s]")
        return super().dates(column, date_format)

    def numbers(self, column: int) -> Array:
        cells = self.frame.iloc[:, column]
        if cells.dtype.kind in "fiu":
            values = cells.to_numpy(dtype=np.float64, na_value=np.nan).copy()
            bad = np.flatnonzero(np.isinf(values))
        else:
            values, bad = numbers_of(cells.astype(object).map(lambda cell: "" if cell is None or cell != cell else str(cell)))
        self.report("not_a_number", column, bad, cells.to_numpy(dtype=object))
        values[bad] = np.nan
        return values


def open_table(path: Path, name: str, findings: Findings) -> TableFile | None:
    """Open a file by its suffix; None (with a finding) where it cannot be read at all."""
    try:
        if path.name.lower().endswith((".parquet", ".pq")):
            return _open_parquet(path, name, findings)
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        findings.add("unreadable_file", name, detail=f"{' '.join(str(error).split())[:200]}.")
        return None
    return _open_csv(content, name, findings)


def _open_parquet(path: Path, name: str, findings: Findings) -> ParquetFile:
    frame = pq.ParquetFile(path).read().to_pandas()
    named = [level for level in frame.index.names if level is not None]
    if named or frame.index.dtype.kind == "M":
        frame = frame.reset_index(names=None if named else "date")
    return ParquetFile(name, tuple(str(header) for header in frame.columns), findings, frame)


def _open_csv(content: bytes, name: str, findings: Findings) -> CsvFile | None:
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text_head = content.decode("utf-8")[:1_000_000]
    except UnicodeDecodeError as error:
        findings.add("not_utf8", name, line=content[: error.start].count(b"\n") + 1, detail=f"Byte {error.start} is not.")
        return None
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for skip, line in enumerate(text_head.splitlines(), start=1):
        if line.strip():
            separator = max(_SEPARATORS, key=line.count)
            headers = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
            table = CsvFile(name, tuple(header.strip() for header in headers), findings, content, separator, skip)
            if table.headers[0] in ("", "Unnamed: 0") and is_date("".join(table.first_row()[:1])):
                table.headers = ("date", *table.headers[1:])  # an index that was written without its name
            return table
    findings.add("empty_file", name)
    return None
