"""Whatever the terms, writing and reading a symbol is the identity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_assets.errors import InvalidSymbol
from sigmasight_assets.ledger.option_symbols import LONGEST, SETTLED_ON_FUTURES, looks_like_option, parse

ROOTS = st.from_regex(r"[A-Z]{1,6}|[A-Z]{1,5}[0-9]", fullmatch=True).filter(lambda root: root not in SETTLED_ON_FUTURES)
EXPIRIES = st.dates(date(2000, 1, 1), date(2099, 12, 31))
THOUSANDTHS = st.integers(1, 99_999_999)


def written(root: str, expiry: date, option_type: str, thousandths: int) -> str:
    return f"{root}{expiry:%y%m%d}{option_type}{thousandths:08d}"


@given(ROOTS, EXPIRIES, st.sampled_from("CP"), THOUSANDTHS)
def test_reading_what_was_written_is_the_identity(root: str, expiry: date, option_type: str, thousandths: int) -> None:
    osi = written(root, expiry, option_type, thousandths)
    option = parse(osi)
    assert (option.root, option.expiry, option.option_type, option.strike) == (root, expiry, option_type, Decimal(thousandths) / 1000)
    assert option.symbol == osi
    assert len(option.padded) == LONGEST
    assert parse(option.padded) == parse(osi.lower()) == option
    assert looks_like_option(osi)
    assert looks_like_option(option.padded)


@given(ROOTS, EXPIRIES, st.sampled_from("CP"), THOUSANDTHS)
def test_brokers_form_and_osi_are_one_option(root: str, expiry: date, option_type: str, thousandths: int) -> None:
    strike = f"{(Decimal(thousandths) / 1000).normalize():f}"
    option = parse(written(root, expiry, option_type, thousandths))
    assert parse(f"-{root}{expiry:%y%m%d}{option_type}{strike}") == option
    assert parse(f"{root}_{expiry:%m%d%y}{option_type}{strike}") == option
    assert parse(f"{root} {expiry:%m/%d/%Y} {strike} {option_type}") == option


@given(ROOTS, EXPIRIES, st.sampled_from("CP"), THOUSANDTHS, st.data())
def test_symbol_with_a_character_lost_is_never_another_strike(
    root: str, expiry: date, option_type: str, thousandths: int, data: st.DataObject
) -> None:
    osi = written(root, expiry, option_type, thousandths)
    lost = data.draw(st.integers(len(root) + 7, len(osi) - 1))
    with pytest.raises(InvalidSymbol):
        parse(osi[:lost] + osi[lost + 1 :])


ALMOST = st.from_regex(r"[-.]?[A-Za-z.]{0,8}[ _]{0,3}[0-9]{4,7}[A-Za-z]?[0-9.]{0,10}", fullmatch=True)


@given(st.one_of(st.text(max_size=25), ALMOST))
def test_any_text_is_read_or_refused_with_what_was_expected(text: str) -> None:
    try:
        option = parse(text)
    except InvalidSymbol as refusal:
        assert "expected" in str(refusal) or "settle on futures" in str(refusal)
    else:
        assert parse(option.symbol) == option
