"""Option symbols against the OCC's published form.

Source: Options Clearing Corporation, *Options Symbology Initiative* (2010): root padded to six characters, yymmdd, C or P, strike as five
digits and three decimals. The cases are those of the OCC's and of brokers' own documents.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.option_symbols import OptionSymbol, looks_like_option, parse


def facts(option: OptionSymbol) -> tuple[str, date, str, Decimal]:
    return option.underlying, option.expiry, option.option_type, option.strike


@pytest.mark.parametrize("text", ["AAPL  240119C00195000", "AAPL240119C00195000", "aapl240119c00195000", "  AAPL240119C00195000 "])
def test_padded_unpadded_and_lower_case_are_one_symbol(text: str) -> None:
    option = parse(text)
    assert facts(option) == ("AAPL", date(2024, 1, 19), "C", Decimal(195))
    assert (option.symbol, option.padded) == ("AAPL240119C00195000", "AAPL  240119C00195000")
    assert (option.multiplier, option.exercise_style, option.is_adjusted) == (100, "american", False)


@pytest.mark.parametrize(
    ("text", "underlying", "option_type", "strike"),
    [
        ("SPY   240119C00052500", "SPY", "C", "52.5"),
        ("F     240119P00002500", "F", "P", "2.5"),
        ("AMZN  240119C05000000", "AMZN", "C", "5000"),
        ("NVDA240119C00000500", "NVDA", "C", "0.5"),
        ("BRKB240119P00300000", "BRK.B", "P", "300"),
        ("BRK.B240119P00300000", "BRK.B", "P", "300"),
    ],
)
def test_strike_is_in_thousandths_of_a_dollar(text: str, underlying: str, option_type: str, strike: str) -> None:
    assert facts(parse(text)) == (underlying, date(2024, 1, 19), option_type, Decimal(strike))


@pytest.mark.parametrize(
    ("text", "osi"),
    [
        ("-MU270115C600", "MU270115C00600000"),  # Fidelity: the minus marks an option, not a short
        ("-MU270115P62.5", "MU270115P00062500"),
        (".SPY240119P450", "SPY240119P00450000"),  # thinkorswim
        ("O:AAPL240119C00195000", "AAPL240119C00195000"),  # Polygon
        ("AAPL_011924C195", "AAPL240119C00195000"),  # TD Ameritrade: mmddyy
        ("AAPL 01/19/2024 195.00 C", "AAPL240119C00195000"),  # Schwab
        ("BRK.B 01/19/2024 300 P", "BRKB240119P00300000"),
    ],
)
def test_brokers_forms_normalise(text: str, osi: str) -> None:
    assert looks_like_option(text)
    assert parse(text).symbol == osi


@pytest.mark.parametrize(
    "text",
    [
        "AAPL241319C00195000",  # month 13
        "AAPL240230C00195000",  # 30 February
        "AAPL240119X00195000",  # neither call nor put
        "A240119C001950",  # 14 characters
        "AAPL240119C195",  # 14 characters: no OSI, and no broker's mark
        "AAPL240119C0019500",  # a digit lost: not 195 and not 19.5
        "AAPL240119C00195",  # cut short
        "-AAPL240119C00195",  # a marked strike has no leading zeros
        "AAPL    240119C00195000",  # 23 characters
        "ABCDEFG240119C00195000",  # a root of seven letters
        "AAPL240119C00000000",  # strike 0
        "XYZ.Q240119C00195000",  # OSI roots have no point
        "ＡAPL240119C00195000",
        "",
        "AAPL",
    ],
)
def test_what_is_no_option_symbol_is_refused_saying_what_was_expected(text: str) -> None:
    with pytest.raises(InvalidSymbol, match="expected"):
        parse(text)


def test_adjusted_series_is_never_taken_for_the_share() -> None:
    adjusted = parse("AMD1221118C00080000")
    assert (adjusted.root, adjusted.underlying, adjusted.is_adjusted) == ("AMD1", "AMD1", True)
    assert adjusted.symbol == "AMD1221118C00080000"


@pytest.mark.parametrize("text", ["VIX240117C00015000", "VIXW240110P00015000", "-VIX240117C15"])
def test_vix_options_are_refused_because_they_settle_on_futures(text: str) -> None:
    with pytest.raises(InvalidSymbol, match="settle on futures"):
        parse(text)


@pytest.mark.parametrize(("root", "index"), [("SPX", "SPX"), ("SPXW", "SPX"), ("XSP", "XSP"), ("NDXP", "NDX"), ("RUTW", "RUT")])
def test_index_roots_are_european_on_their_index(root: str, index: str) -> None:
    option = parse(f"{root}240119C04500000")
    assert (option.root, option.underlying, option.exercise_style) == (root, index, "european")
