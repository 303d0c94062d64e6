"""Option symbols: the OSI form and what brokers make of it.

OSI (Options Symbology Initiative, 2010) is root, yymmdd, C or P, strike in thousandths with eight digits: ``AAPL240119C00195000``, the root
padded to six characters in the 21-character form. Brokers that write the strike as a plain number mark the symbol: with a leading ``-``
or ``.``, an underscore after the root, or blanks between the parts. Without a mark only OSI is read, so that a symbol cut short is refused
and never taken for another strike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sigmasight_assets.errors import InvalidSymbol

INDEX_UNDERLYING = {"SPX": "SPX", "SPXW": "SPX", "XSP": "XSP", "NDX": "NDX", "NDXP": "NDX", "RUT": "RUT", "RUTW": "RUT"}
"""European index roots and the index that each is written on."""
SHARE_CLASS = {"BRKB": "BRK.B", "BFA": "BF.A", "BFB": "BF.B", "HEIA": "HEI.A", "LENB": "LEN.B", "MOGA": "MOG.A"}
"""Roots of shares whose symbol has a point: OSI roots have none."""
SETTLED_ON_FUTURES = ("VIX", "VIXW")
MULTIPLIER = 100
LONGEST = 21
MAX_STRIKE = Decimal("99999.999")

_ROOT = r"(?P<root>[A-Z]{1,6}|[A-Z]{1,5}\.[A-Z]|[A-Z]{1,5}[0-9])"
_STRIKE = r"(?P<strike>(0|[1-9]\d{0,4})(\.\d{1,3})?)"
_OSI = re.compile(_ROOT + r" *(?P<date>\d{6})(?P<type>[CP])(?P<strike>\d{8})")
_MARKED = re.compile(_ROOT + r"(?P<date>\d{6})(?P<type>[CP])" + _STRIKE)
_UNDERSCORE = re.compile(_ROOT + r"_(?P<date>\d{6})(?P<type>[CP])" + _STRIKE)
_SPACED = re.compile(_ROOT + r" (?P<date>\d{2}/\d{2}/\d{4}) " + _STRIKE + r" (?P<type>[CP])")
_LOOKS = re.compile(r"[-.]?(O:)?[A-Z.]{1,7}\d?[ _]*(\d{6} *[A-Z]\d+(\.\d+)?|\d{2}/\d{2}/\d{4} .*)")


@dataclass(frozen=True)
class OptionSymbol:
    """What an option symbol says.

    Attributes
    ----------
    root, underlying : str
        They differ for index roots (SPXW is on SPX) and share classes (BRKB is on BRK.B).
    strike : Decimal
        USD per share.
    is_adjusted : bool
        A root that ends in a digit: a series whose deliverable a corporate action changed. Its underlying is the root itself, never the
        share: nothing here knows what it delivers.
    """

    root: str
    underlying: str
    expiry: date
    option_type: str
    strike: Decimal
    multiplier: int
    exercise_style: str
    is_adjusted: bool

    @property
    def symbol(self) -> str:
        """OSI without padding."""
        return f"{self.root}{self.expiry:%y%m%d}{self.option_type}{int(self.strike * 1000):08d}"

    @property
    def padded(self) -> str:
        """OSI, 21 characters."""
        return f"{self.root:<6}{self.symbol[len(self.root) :]}"


def looks_like_option(text: str) -> bool:
    """Whether a ticker is meant as an option, right or wrong."""
    return _LOOKS.fullmatch(text.strip().upper()) is not None


def parse(text: str) -> OptionSymbol:
    """Read an option symbol: OSI with or without padding, lower case, or a broker's form.

    Brokers' forms: a leading ``-`` or ``.`` (it marks an option, not a short), ``O:``, ``AAPL_011924C195`` (mmddyy),
    ``AAPL 01/19/2024 195.00 C``, and strikes as decimals (``-MU270115C600``).

    Raises
    ------
    InvalidSymbol
        Saying what was expected, for anything else; also for VIX options, which settle on futures.
    """
    plain = text.strip().upper()
    if not plain.isascii():
        raise _refused(text, "letters and digits of ASCII")
    marked = plain.startswith(("-", "."))
    body = plain[1:] if marked else plain
    body = body.removeprefix("O:")
    month_first = False
    if match := _OSI.fullmatch(body):
        if len(body) > LONGEST:
            raise _refused(text, f"at most {LONGEST} characters")
        strike = Decimal(match["strike"]) / 1000
    elif match := _UNDERSCORE.fullmatch(body):
        strike, month_first = Decimal(match["strike"]), True
    elif match := _SPACED.fullmatch(body) or (_MARKED.fullmatch(body) if marked else None):
        strike = Decimal(match["strike"])
    else:
        raise _refused(text, "root, yymmdd, C or P, strike in thousandths with eight digits, like AAPL240119C00195000")
    root = match["root"].replace(".", "")
    if root in SETTLED_ON_FUTURES:
        raise InvalidSymbol(f"{text.strip()!r}: VIX options settle on futures, which this product does not price.")
    if "." in match["root"] and SHARE_CLASS.get(root) != match["root"]:
        raise _refused(text, f"a root without a point (OSI writes {root})")
    if not 0 < strike <= MAX_STRIKE:
        raise _refused(text, f"a strike above 0 and at most {MAX_STRIKE}")
    return OptionSymbol(
        root=root,
        underlying=INDEX_UNDERLYING.get(root) or SHARE_CLASS.get(root, root),
        expiry=_expiry(match["date"], text, month_first=month_first),
        option_type=match["type"],
        strike=strike,
        multiplier=MULTIPLIER,
        exercise_style="european" if root in INDEX_UNDERLYING else "american",
        is_adjusted=root[-1].isdigit(),
    )


def _expiry(digits: str, text: str, *, month_first: bool) -> date:
    try:
        if "/" in digits:
            month, day, year = (int(part) for part in digits.split("/"))
            return date(year, month, day)
        pairs = [int(digits[i : i + 2]) for i in (0, 2, 4)]
        year, month, day = (pairs[2], pairs[0], pairs[1]) if month_first else (pairs[0], pairs[1], pairs[2])
        return date(2000 + year, month, day)
    except ValueError:
        raise _refused(text, "a date that exists") from None


def _refused(text: str, expected: str) -> InvalidSymbol:
    return InvalidSymbol(f"{text.strip()!r} is no option symbol: expected {expected}.")
