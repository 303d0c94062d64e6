"""What is wrong, or worth a look, in a folder of market data: each finding with file, line, column, value, reason and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

MAX_SHOWN = 20
"""Findings of one code and file that are kept in full; the rest is counted."""

ERROR, WARNING, NOTE = "error", "warning", "note"

CODES: dict[str, tuple[str, str, str]] = {
    # structure: the folder is refused
    "no_folder": (ERROR, "The folder does not exist.", "Set SIGMASIGHT_DATA_DIR to the folder of the data."),
    "no_prices": (ERROR, "The folder has no prices.", "Add a file of prices (docs/data-formats.md)."),
    "invalid_configuration": (ERROR, "provider.yaml is not valid.", "See docs/data-formats.md for its keys."),
    "unreadable_file": (ERROR, "The file cannot be read.", "Write it again as CSV (UTF-8) or Parquet."),
    "not_utf8": (ERROR, "The file is not UTF-8 text.", "Save it as CSV UTF-8."),
    "empty_file": (ERROR, "The file has no header line.", "The first line names the columns."),
    "duplicate_column": (ERROR, "Two headers name the same column.", "Keep one, or map them under `files: columns` in provider.yaml."),
    "missing_column": (ERROR, "A required column is missing.", "Add it, or name it under `files: columns` in provider.yaml."),
    "wrong_cell_count": (ERROR, "The row does not have as many cells as the header.", "Write the file again: it may be cut off."),
    "required": (ERROR, "A value is required.", "Fill in the cell."),
    "not_a_date": (ERROR, "Expected a date as YYYY-MM-DD.", "Write ISO dates, or state `date_format` in provider.yaml."),
    "not_a_number": (ERROR, "Expected a plain number.", "Write 1234.50; an empty cell where there is no value."),
    "price_not_positive": (ERROR, "The price is not above 0.", "Leave the cell empty where there is no price."),
    "negative": (ERROR, "The value is below 0.", "Correct it, or leave the cell empty."),
    "invalid_split": (ERROR, "Expected new shares per old share: 4, 4:1 or 0.1.", "1, 0 or an empty cell where there is none."),
    "invalid_symbol": (ERROR, "The text is no symbol.", "Letters, digits and . - / ^ _ = &, at most 32."),
    "foreign_currency": (ERROR, "The currency is not USD, the only one supported.", "Convert the file to USD or leave it out."),
    "disagreeing_rows": (ERROR, "Two rows state different values for one symbol and session.", "Keep one, or state `precedence`."),
    "basis_unknown": (ERROR, "The price basis is unknown.", "traded, split_adjusted or adjusted_only."),
    "basis_contradiction": (ERROR, "The rows of one symbol state different price bases.", "One symbol has one basis."),
    "unit_not_stated": (ERROR, "The unit of the yields is not stated.", "Name it: `yields_pct.csv`, a column `par_yield`, or `unit`."),
    "contract_mismatch": (ERROR, "Symbol and contract terms of the row contradict each other.", "Correct one of them."),
    "yield_unit": (ERROR, "The yields are not in the stated unit: a par yield lies between -5 % and 50 %.", "State the right unit."),
    # what is used as it is, but worth a look
    "unrecognised_file": (WARNING, "The file is not used: its columns are of no known kind.", "See docs/data-formats.md, or set `kind`."),
    "non_session": (WARNING, "Rows on days without trading were dropped.", "XNYS does not trade on these dates."),
    "duplicate_rows": (WARNING, "Rows repeat an earlier row with the same values.", "They count once."),
    "jump": (WARNING, "The close moves by more than 50 %, splits aside.", "Check it; a split belongs into split_ratio."),
    "absurd_jump": (WARNING, "The close moves more than tenfold: it will be quarantined.", "`sigmasight data confirm` if it is right."),
    "gap": (WARNING, "Sessions between the first and the last price have none.", "They are carried up to five sessions, then missing."),
    "ends_early": (WARNING, "The prices end before the last session of the folder.", "Delisted, renamed (symbol_changes.csv) or late?"),
    "adj_close_missing": (WARNING, "Rows with a close have no adjusted close.", "Their returns are missing."),
    "close_missing": (WARNING, "Rows with an adjusted close have no close and were dropped.", "State both closes."),
    "adj_close_ignores_split": (WARNING, "adj_close does not follow the stated splits; it was derived anew.", "Correct adj_close."),
    "adj_close_inconsistent": (WARNING, "adj_close does not follow the stated dividends and splits.", "Check both."),
    "unexplained_adjustment": (WARNING, "adj_close moves against close as if by a split that is not stated.", "State split_ratio."),
    "split_already_in_close": (
        WARNING,
        "The closes are adjusted for the stated splits already.",
        "State price_basis.",
    ),
    "dividend_above_close": (WARNING, "A dividend is not below the close before it.", "USD per share of the ex-session."),
    "event_without_price": (WARNING, "Dividends or splits outside the symbol's prices were dropped.", "Add its prices."),
    "event_moved": (NOTE, "Events on days without trading count on the next session.", "Nothing needs to be done."),
    "symbol_reused": (WARNING, "A symbol change drops rows of another security under the same symbol.", "Check symbol_changes."),
    "change_without_price": (WARNING, "Neither symbol of a change has prices.", "Add prices of one of them."),
    "proxy_missing": (WARNING, "A factor's proxy has no prices: its factor will be missing.", "Add its prices or name another proxy."),
    "proxy_short": (WARNING, "A factor's proxy has fewer than 253 prices: betas need 252 returns.", "Add earlier prices."),
    "no_yields": (WARNING, "The folder has no Treasury yields.", "Options need them: rates will be missing."),
    "yields_late": (WARNING, "Sessions with prices have no yield in the six sessions up to them.", "Add yields."),
    "crossed_quote": (WARNING, "The bid is above the ask.", "The quote gives no mid; the contract's own close is used."),
    "no_underlying": (WARNING, "Option quotes whose underlying has no prices.", "Add its prices: implied volatility needs them."),
    "unsupported_contract": (WARNING, "Contracts that cannot be priced here were left out.", "VIX options settle on futures."),
    "quote_after_expiry": (WARNING, "Quotes after the expiry of their contract were dropped.", "Check the dates."),
    "iv_unit": (WARNING, "Implied volatilities look like percent.", "Name the column iv_pct, or state `unit: percent`."),
    "in_the_future": (WARNING, "Rows after the last closed session are not used yet.", "Check the dates."),
    "foreign_security": (WARNING, "The security is not in USD: it cannot be valued here.", "Leave it out, or convert its prices."),
    "unusable_master_row": (WARNING, "The symbol of the row is none: the row was left out.", "Letters, digits and . - / ^ _ = &."),
    "other_master_row": (WARNING, "Two rows of the security master differ for one symbol; the first counts.", "Keep one."),
    # for information
    "ignored_column": (NOTE, "The column is not used.", "Nothing needs to be done."),
    "before_the_calendar": (NOTE, "Rows before the session calendar (1990-01-02) are not used.", "Nothing needs to be done."),
    "lower_precedence": (NOTE, "The symbol's rows were left to a source that precedes.", "Nothing needs to be done."),
}
"""code -> (severity, what, remedy)."""


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes
    ----------
    file : str
        Relative to the folder; empty for the folder as a whole.
    line : int or None
        Line of the file, the header being 1 (row of a Parquet file).
    count : int
        Rows concerned.
    """

    severity: str
    code: str
    file: str
    line: int | None
    column: str | None
    value: str | None
    message: str
    remedy: str
    count: int = 1

    @property
    def place(self) -> str:
        return (f"{self.file}:{self.line}" if self.line else self.file) or "folder"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        about = "".join(f" {part}" for part in (self.column, f"({self.value!r})" if self.value is not None else None) if part)
        return f"{self.place}:{about} {self.severity} {self.code}: {self.message} {self.remedy}"


class Findings:
    """Collects findings; of one code and file the first `MAX_SHOWN` in full, the others as a count."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: dict[tuple[str, str], int] = {}

    def add(
        self,
        code: str,
        file: str = "",
        *,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        detail: str = "",
        count: int = 1,
    ) -> None:
        severity, what, remedy = CODES[code]
        place = (code, file)
        self._counts[place] = self._counts.get(place, 0) + 1
        if self._counts[place] <= MAX_SHOWN:
            text = None if value is None else str(value)[:80]
            self._kept.append(Finding(severity, code, file, line, column, text, f"{what}{' ' + detail if detail else ''}", remedy, count))

    def add_lines(self, code: str, file: str, column: str | None, lines: Sequence[int], values: Iterable[object], n: int) -> None:
        """Faults of one kind in one column: the first of them in full, and how many there are."""
        for line, value in zip(lines[:MAX_SHOWN], values, strict=False):
            self.add(code, file, line=line, column=column, value=value)
        place = (code, file)
        self._counts[place] = self._counts.get(place, 0) + max(0, n - len(lines[:MAX_SHOWN]))

    def listed(self) -> tuple[Finding, ...]:
        """All findings, errors first; what was not kept is one line with its count."""
        kept: dict[tuple[str, str], int] = {}
        for finding in self._kept:
            kept[finding.code, finding.file] = kept.get((finding.code, finding.file), 0) + 1
        out = list(self._kept)
        for (code, file), n in self._counts.items():
            more = n - kept.get((code, file), 0)
            if more > 0:
                last = next(finding for finding in reversed(self._kept) if (finding.code, finding.file) == (code, file))
                out.append(replace(last, line=None, value=None, message=f"and {more:,} more alike.", remedy="", count=more))
        order = (ERROR, WARNING, NOTE)
        return tuple(sorted(out, key=lambda finding: order.index(finding.severity)))

    @property
    def n_errors(self) -> int:
        return sum(n for (code, _), n in self._counts.items() if CODES[code][0] == ERROR)

    @property
    def n_warnings(self) -> int:
        return sum(n for (code, _), n in self._counts.items() if CODES[code][0] == WARNING)
