"""Yields, option quotes, the security master, symbol changes and confirmed prices in a folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.support.folders import found, provider_of, read, series, write

PRICES = "symbol,date,close\nAAPL,2022-03-07,160\nAAPL,2022-03-08,161\nSPX,2022-03-07,4200\n"
MON, TUE = date(2022, 3, 7), date(2022, 3, 8)


def yields(folder: Path, **files: str) -> list[tuple[str, int, float]]:
    data = read(folder, prices_csv=PRICES, **files)
    assert [str(finding) for finding in data.errors] == []
    rows = data.yields
    return [(f"{row.session:%m-%d}", row.tenor_months, round(row.par_yield, 9)) for row in rows.itertuples()]


def test_fred_columns_are_percent(tmp_path: Path) -> None:
    text = "DATE,DGS3MO,DGS1,DGS10\n2022-03-07,0.38,1.05,1.78\n2022-03-08,.,1.1,1.86\n"
    assert yields(tmp_path, rates_csv=text) == [
        ("03-07", 3, 0.0038), ("03-07", 12, 0.0105), ("03-07", 120, 0.0178), ("03-08", 12, 0.011), ("03-08", 120, 0.0186),
    ]  # fmt: skip


def test_a_fred_file_per_tenor_is_put_together(tmp_path: Path) -> None:
    found_ = yields(tmp_path, DGS10_csv="observation_date,DGS10\n2022-03-07,1.78\n", DGS2_csv="observation_date,DGS2\n2022-03-07,1.55\n")
    assert found_ == [("03-07", 24, 0.0155), ("03-07", 120, 0.0178)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yields_csv", "session,tenor_months,par_yield\n2022-03-07,120,0.0178\n"),
        ("yields_csv", "date,tenor,par_yield_pct\n2022-03-07,10 Yr,1.78\n"),
        ("treasury_percent_csv", "date,10 Yr\n2022-03-07,1.78\n"),
        ("treasury_decimal_csv", "date,m120\n2022-03-07,0.0178\n"),
        ("curve_csv", "Date,10Y_pct\n2022-03-07,1.78\n"),
    ],
)
def test_yields_with_their_unit_in_a_name(tmp_path: Path, name: str, text: str) -> None:
    assert yields(tmp_path, **{name: text}) == [("03-07", 120, 0.0178)]


def test_a_unit_is_never_guessed(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=PRICES, treasury_csv="date,m120\n2022-03-07,0.5\n")
    assert found(data, "unit_not_stated")[0].column == "m120"  # 0.5 % in 2020, or 50 %?
    folder = write(tmp_path, provider_yaml='files: [{match: "treasury.csv", unit: percent}]\n')
    assert provider_of(folder).data().yields["par_yield"].tolist() == [0.005]


def test_percent_stated_as_decimals_is_refused(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=PRICES, yields_csv="session,tenor_months,par_yield\n2022-03-07,120,1.78\n")
    assert (found(data, "yield_unit")[0].line, found(data, "yield_unit")[0].value) == (2, "1.78")


def test_every_session_has_every_tenor_and_none_where_none_was_published(tmp_path: Path) -> None:
    text = "DATE,DGS1,DGS10\n2022-03-07,1.05,1.78\n"
    answer = provider_of(write(tmp_path, prices_csv=PRICES, rates_csv=text)).treasury_yields([MON, TUE])
    assert answer.frame["tenor_months"].tolist() == [12, 120, 12, 120]
    assert answer.frame["par_yield"].isna().tolist() == [False, False, True, True]
    assert [(gap.subject, gap.first) for gap in answer.gaps] == [("treasury_yields", TUE)]


def test_option_quotes_by_symbol_in_any_form(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv=PRICES,
        option_quotes_csv="""
        contractSymbol,quote_date,bid,ask,lastPrice,impliedVolatility,volume,openInterest
        AAPL220318C00160000,2022-03-07,3.1,3.3,3.2,0.31,100,2000
        AAPL  220318P00160000,2022-03-07,2.9,3.1,3.0,0.32,90,1000
        O:AAPL220318C00165000,2022-03-07,1,1.2,1.1,0.3,,
        -AAPL220318C170,2022-03-07,0.4,0.5,,0,,
        """,
    )
    rows = data.quotes.set_index("symbol")
    assert data.n_errors == 0
    assert rows.index.tolist() == ["AAPL220318C00160000", "AAPL220318C00165000", "AAPL220318C00170000", "AAPL220318P00160000"]
    assert rows.loc["AAPL220318C00160000", ["bid", "ask", "close", "iv"]].tolist() == [3.1, 3.3, 3.2, 0.31]
    assert np.isnan(rows.loc["AAPL220318C00170000", "iv"])  # 0 is how vendors say that there is none


def test_option_quotes_are_told_from_prices_by_their_first_symbol(tmp_path: Path) -> None:
    text = "symbol,date,bid,ask,last\nAAPL220318C00160000,2022-03-07,3.1,3.3,3.2\n"
    data = read(tmp_path, prices_csv=PRICES, quotes_csv=text)
    assert data.files["quotes.csv"] == "option_quotes"
    assert data.quotes["close"].tolist() == [3.2]


def test_option_quotes_by_terms_with_percent_volatility(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv=PRICES,
        chain_csv="""
        date,underlying,expiration,strike,type,bid,ask,iv_pct
        2022-03-07,AAPL,2022-03-18,160,call,3.1,3.3,31
        2022-03-07,AAPL,2022-03-18,52.5,P,0.01,0.02,80
        2022-03-07,SPX,2022-03-18,4200,C,50,52,25
        2022-03-07,AAPL,2022-03-18,160,straddle,6,7,31
        """,
    )
    assert [(finding.code, finding.line, finding.value) for finding in data.errors] == [("invalid_symbol", 5, "straddle")]
    assert data.quotes["symbol"].tolist() == ["AAPL220318C00160000", "AAPL220318P00052500", "SPX220318C04200000"]
    assert data.quotes["iv"].tolist() == pytest.approx([0.31, 0.8, 0.25])


def test_symbol_and_terms_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    text = "option,date,bid,ask,expiry,cp,strike,underlying\nAAPL220318C00160000,2022-03-07,1,2,2022-03-18,C,165,AAPL\n"
    data = read(tmp_path, prices_csv=PRICES, quotes_csv=text)
    assert found(data, "contract_mismatch")[0].line == 2


def test_the_date_of_a_chain_may_stand_in_its_name(tmp_path: Path) -> None:
    folder = write(tmp_path, prices_csv=PRICES)
    (folder / "aapl_chain_2022-03-07.csv").write_text("option,bid,ask\nAAPL220318C00160000,3,3.2\n")
    assert provider_of(folder).data().quotes["session"].dt.date.tolist() == [MON]


def test_a_last_trade_of_an_earlier_day_is_no_close_of_the_session(tmp_path: Path) -> None:
    text = """
    option,date,bid,ask,last_trade_price,last_trade_time
    AAPL220318C00160000,2022-03-07,0,3.3,3.2,2022-03-07T15:59:00
    AAPL220318P00160000,2022-03-07,0,3.1,3.0,2022-03-04T11:00:00
    """
    assert read(tmp_path, prices_csv=PRICES, chain_csv=text).quotes["close"].isna().tolist() == [False, True]


def test_odd_quotes_are_reported_and_kept(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv=PRICES,
        options_csv="""
        symbol,date,bid,ask
        AAPL220318C00160000,2022-03-07,3.3,3.1
        MSFT220318C00300000,2022-03-07,1,2
        AAPL220304C00160000,2022-03-07,1,2
        AAPL220318C00165000,2022-03-06,1,2
        VIX220316C00030000,2022-03-07,1,2
        AAPL220318C00170000,2022-03-07,-1,2
        """,
    )
    assert found(data, "crossed_quote")[0].line == 2
    assert found(data, "no_underlying")[0].value == "MSFT"
    assert found(data, "quote_after_expiry")[0].line == 4
    assert found(data, "non_session")[0].line == 5
    assert found(data, "unsupported_contract")[0].value == "VIX220316C00030000"
    assert [(finding.code, finding.line) for finding in data.errors] == [("negative", 7)]


def test_volatilities_in_percent_without_saying_so_are_noticed(tmp_path: Path) -> None:
    text = "symbol,date,bid,ask,iv\nAAPL220318C00160000,2022-03-07,3,3.2,31\n"
    assert found(read(tmp_path, prices_csv=PRICES, options_csv=text), "iv_unit")[0].value == "31"


def test_the_security_master_under_other_names(tmp_path: Path) -> None:
    text = "Ticker,Company Name,GICS Sector,Type,ccy\nAAPL,Apple Inc.,Information Technology,Common Stock,USD\nVOD.L,Vodafone,,,GBP\n"
    data = read(tmp_path, prices_csv=PRICES, universe_csv=text)
    row = data.master.set_index("symbol").loc["AAPL"]
    assert (row["name"], row["sector"], row["asset_class"]) == ("Apple Inc.", "Information Technology", "equity")
    assert (data.n_errors, found(data, "foreign_security")[0].line) == (0, 3)


CHANGE = "old,new,date\nFB,META,2022-06-09\n"


def test_a_changed_symbol_has_one_history_under_both_names(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv="symbol,date,close\nFB,2022-06-07,195\nFB,2022-06-08,196\nMETA,2022-06-09,184\nMETA,2022-06-10,175\n",
        symbol_changes_csv=CHANGE,
    )
    assert series(data, "FB")["close"].tolist() == [195, 196, 184, 175]
    assert series(data, "META")["close"].tolist() == [195, 196, 184, 175]
    assert data.n_warnings == len(found(data, "proxy_missing")) + 1  # and no yields


def test_adjusted_closes_are_put_on_one_level_where_the_symbol_changed(tmp_path: Path) -> None:
    # the old file was adjusted for something long ago: its level is half; over the change the return is 98 / (100 - 1)
    data = read(
        tmp_path,
        prices_csv="""
        symbol,date,close,adj_close,dividend
        FB,2022-06-07,99,49.5,0
        FB,2022-06-08,100,50,0
        META,2022-06-09,98,98,1
        """,
        symbol_changes_csv=CHANGE,
    )
    growth = series(data, "FB")["adj_close"].pct_change(fill_method=None).tolist()[1:]
    assert growth == pytest.approx([100 / 99 - 1, 98 / 99 - 1])


def test_another_security_under_the_new_symbol_before_is_reported(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv="symbol,date,close\nFB,2022-06-08,196\nMETA,2022-06-08,12\nMETA,2022-06-09,184\n",
        symbol_changes_csv=CHANGE,
    )
    assert series(data, "META")["close"].tolist() == [196, 184]
    assert found(data, "symbol_reused")[0].value == "META"


def test_quotes_of_a_changed_symbol_are_found_under_both_roots(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv="symbol,date,close\nFB,2022-06-08,196\nMETA,2022-06-09,184\n",
        options_csv="symbol,date,bid,ask\nFB220617C00200000,2022-06-08,1,2\nMETA220617C00200000,2022-06-09,1,2\n",
        symbol_changes_csv=CHANGE,
    )
    assert [(f"{row.session:%d}", row.symbol) for row in data.quotes.itertuples()] == [
        ("08", "FB220617C00200000"), ("08", "META220617C00200000"), ("09", "FB220617C00200000"), ("09", "META220617C00200000"),
    ]  # fmt: skip


def test_a_second_source_or_a_file_confirms_a_jump(tmp_path: Path) -> None:
    prices = "symbol,date,close\nA,2022-03-07,1\nA,2022-03-08,150\nB,2022-03-07,1\nB,2022-03-08,150\nC,2022-03-07,1\nC,2022-03-08,150\n"
    data = read(
        tmp_path,
        prices_csv=prices,
        other_csv="symbol,date,close\nA,2022-03-08,150.2\n",
        confirmed_prices_csv="symbol,date,close\nB,2022-03-08,150\nC,2022-03-08,15\n",
        provider_yaml="precedence: [prices, other]\n",
    )
    assert data.confirmed == frozenset({(TUE, "A"), (TUE, "B")})
