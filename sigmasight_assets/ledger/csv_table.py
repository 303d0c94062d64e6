"""CSV text to rows of named cells, with the file's own line numbers."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sigmasight_assets.ledger.csv_problems import MAX_BYTES, MAX_ROWS, Problem, problem


@dataclass(frozen=True)
class CsvTable:
    """A decoded file: rows as (line, cells by column), or what makes it unreadable."""

    rows: tuple[tuple[int, dict[str, str]], ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def read_table(
    content: bytes, required: Sequence[str], optional: Sequence[str], legacy: Mapping[str, str], watched: Sequence[str] = ()
) -> CsvTable:
    """Decode a CSV file whose header may be in any case and order; other columns are ignored with a warning.

    Parameters
    ----------
    legacy : mapping
        Other names of columns -> their name here; all in lower case with underscores. Where a file has both, the name here counts.
    watched : sequence of str
        Columns that are ignored too, but whose cells the rows carry: what they say may contradict a row.
    """
    if len(content) > MAX_BYTES:
        return CsvTable((), (problem("file_too_large"),), ())
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return CsvTable((), (problem("not_utf8", detail=f"Byte {error.start} is not."),), ())
    if "\x00" in text:
        return CsvTable((), (problem("not_utf8", detail="It contains NUL bytes."),), ())
    records = (record for record in _records(text) if record.cells is None or any(cell.strip() for cell in record.cells))
    header = next(records, None)
    if header is None:
        return CsvTable((), (problem("empty_file"),), ())
    if header.cells is None:
        return CsvTable((), (problem("broken_quotes", header.line),), ())
    names, problems, warnings = _columns(header.cells, header.line, required, optional, legacy, watched)
    if problems:
        return CsvTable((), tuple(problems), tuple(warnings))
    rows: list[tuple[int, dict[str, str]]] = []
    for n, (line, cells) in enumerate(records, start=1):
        if n > MAX_ROWS:
            return CsvTable((), (problem("too_many_rows"),), ())
        if cells is None:
            problems.append(problem("broken_quotes", line))
        elif len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
            detail = f"Expected {len(names)} cells, was {len(cells)}."
            problems.append(problem("wrong_cell_count", line, value=",".join(cells), detail=detail))
        else:
            rows.append((line, {name: cell for name, cell in zip(names, cells, strict=False) if name}))
    if not rows and not problems:
        warnings.append(problem("no_rows", header.line))
    return CsvTable(tuple(rows), tuple(problems), tuple(warnings))


class _Record(NamedTuple):
    """A record and the line on which it begins; no cells where its quotes do not match."""

    line: int
    cells: list[str] | None


def _records(text: str) -> Iterator[_Record]:
    """Records in order: a quoted cell may hold line breaks, so lines are counted by the reader."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield _Record(begins, None)
        else:
            if cells is None:
                return
            yield _Record(begins, cells)
        begins = reader.line_num + 1


def _columns(
    header: Sequence[str],
    line: int,
    required: Sequence[str],
    optional: Sequence[str],
    legacy: Mapping[str, str],
    watched: Sequence[str],
) -> tuple[list[str | None], list[Problem], list[Problem]]:
    """The name of each column (None: ignored), problems and warnings."""
    if len(header) == 1 and any(separator in header[0] for separator in ";\t|"):
        return [], [problem("wrong_separator", line, value=header[0])], []
    used = (*required, *optional)
    plain = [re.sub(r"[\s_-]+", "_", cell.strip().lower()) for cell in header]
    stated = set(plain)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    names: list[str | None] = []
    for cell, text in zip(header, plain, strict=True):
        name = text if text in used or legacy.get(text) in stated else legacy.get(text, text)
        if name not in used:
            names.append(name if name in watched and name not in names else None)
            if text:
                warnings.append(problem("ignored_column", line, column=cell.strip()))
        elif name in names:
            names.append(None)
            problems.append(problem("duplicate_column", line, column=name, value=cell.strip()))
        else:
            names.append(name)
    problems += [problem("missing_column", line, column=name) for name in required if name not in names]
    return names, problems, warnings


def content_hash(rows: Iterable[Sequence[object]]) -> str:
    """SHA-256 of normalised rows: the same content in another spelling has the same hash."""
    text = "\n".join("\x1f".join("" if cell is None else str(cell) for cell in row) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()
