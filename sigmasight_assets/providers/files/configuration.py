"""`provider.yaml`: what a folder of market data says of itself where file and column names do not (docs/data-formats.md)."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sigmasight_assets.providers.files.findings import Findings

FILE_NAME = "provider.yaml"
FACTOR_ETFS = {
    "market": "SPY",
    "value": "VTV",
    "growth": "VUG",
    "momentum": "MTUM",
    "quality": "QUAL",
    "size": "SIZE",
    "low_volatility": "USMV",
}
"""The seven factors and the ETF that stands for each."""

Kind = Literal["prices", "yields", "security_master", "option_quotes", "symbol_changes", "confirmed_prices", "ignore"]
Unit = Literal["percent", "decimal"]
Factor = Literal["market", "value", "growth", "momentum", "quality", "size", "low_volatility"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileRule(_Strict):
    """What is stated about the files that match a pattern; the first rule that matches counts."""

    match: str
    kind: Kind | None = None
    field: Literal["close", "adj_close", "dividend", "split_ratio"] | None = None
    source: str | None = Field(default=None, max_length=40)
    price_basis: Literal["traded", "split_adjusted", "adjusted_only"] | None = None
    unit: Unit | None = None
    date_format: str | None = None
    session: date | None = None
    symbol: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)


class Configuration(_Strict):
    """The whole file; every key is optional.

    Attributes
    ----------
    source : str
        Label of rows whose file states none.
    live : bool
        True where new sessions keep arriving: partitions then follow the clock.
    date_format : str
        As for `datetime.strptime`, for dates that are not ISO.
    proxies : dict
        Factor -> symbol in the place of the default ETF.
    precedence : list of str
        Sources or file patterns; a symbol that several of them have is taken from the first.
    """

    source: str | None = Field(default=None, max_length=40)
    live: bool = False
    date_format: str | None = None
    proxies: dict[Factor, str] = Field(default_factory=dict)
    precedence: list[str] = Field(default_factory=list)
    files: list[FileRule] = Field(default_factory=list)

    def rule_of(self, file: str) -> FileRule:
        """The first rule for a file (its path relative to the folder, or its name)."""
        for rule in self.files:
            if fnmatch(file, rule.match) or fnmatch(Path(file).name, rule.match):
                return rule
        return FileRule(match=file)

    def rank(self, file: str, source: str) -> int | None:
        """Place in `precedence`, 0 first; None where neither the source nor the file is named."""
        for place, name in enumerate(self.precedence):
            if name == source or fnmatch(file, name) or fnmatch(Path(file).name, name):
                return place
        return None


def read_configuration(folder: Path, findings: Findings) -> Configuration:
    """The folder's configuration; the default where it has none, or an invalid one (which is reported)."""
    path = folder / FILE_NAME
    if not path.exists():
        return Configuration()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        findings.add("invalid_configuration", FILE_NAME, detail=" ".join(str(error).split()))
        return Configuration()
    try:
        return Configuration.model_validate({} if content is None else content)
    except ValidationError as error:
        for fault in error.errors():
            column = ".".join(str(part) for part in fault["loc"])
            findings.add("invalid_configuration", FILE_NAME, column=column, value=fault.get("input"), detail=f"{fault['msg']}.")
        return Configuration()
