"""CSV files with a header of two levels, as yfinance writes them: a line of fields, a line of tickers, a line that names the index."""

from __future__ import annotations

from dataclasses import replace

from sigmasight_assets.providers.files.headers import PRICE_FIELDS, named_columns, plain
from sigmasight_assets.providers.files.table_file import CsvFile, TableFile

LEVELS = ({"price", "prices", "attributes", "field"}, {"ticker", "tickers", "symbol", "symbols"})
"""What the first cells of the two lines say, in either order."""


def by_field(table: TableFile) -> list[tuple[str, TableFile]]:
    """(price field, the same file as one with a column per symbol of it); empty for a file whose header is one line."""
    if not isinstance(table, CsvFile):
        return []
    above, below = list(table.headers), [cell.strip() for cell in table.first_row()]
    if len(below) != len(above) or not any(plain(above[0]) in one and plain(below[0]) in other for one, other in (LEVELS, LEVELS[::-1])):
        return []
    fields, tickers = (above, below) if plain(above[0]) in LEVELS[0] else (below, above)
    body = replace(table, skip=table.skip + 1)
    index = body.first_row()
    has_index_line = bool(index) and not any(cell.strip() for cell in index[1:])
    body = replace(body, skip=body.skip + has_index_line)
    meant = named_columns("prices", fields[1:], {})
    out: list[tuple[str, TableFile]] = []
    for name in PRICE_FIELDS:
        places = {place + 1 for place in meant.get(name, [])}
        if places:
            out.append((name, replace(body, headers=("date", *(t if i in places else "" for i, t in enumerate(tickers[1:], start=1))))))
    return out
