"""What a folder of price files means: layouts, aliases, bases, what is derived and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_assets.errors import InvalidData
from tests.support.folders import found, provider_of, read, series, write

LONG = """
    symbol,date,close,adj_close,dividend,split_ratio
    A,2022-03-07,100,98,0,1
    A,2022-03-08,102,99.96,0,1
    B,2022-03-07,50,50,0,1
    B,2022-03-08,51,51,0,1
    """


def test_long_layout_is_read_as_stated(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=LONG)
    assert (data.n_errors, data.files) == (0, {"prices.csv": "prices"})
    assert series(data, "A")["close"].tolist() == [100.0, 102.0]
    assert series(data, "A")["adj_close"].tolist() == [98.0, 99.96]
    assert data.prices["price_basis"].unique().tolist() == ["traded"]  # splits are stated, and there is none
    assert data.prices["source"].unique().tolist() == ["prices"]


def test_wide_layout_says_the_same_as_the_long_one(tmp_path: Path) -> None:
    long = read(tmp_path / "long", prices_csv=LONG)
    wide = read(
        tmp_path / "wide",
        prices_close_csv="date,B,A\n2022-03-07,50,100\n2022-03-08,51,102\n",
        prices_adj_close_csv="date,A,B\n2022-03-07,98,50\n2022-03-08,99.96,51\n",
        splits_csv="date,A,B\n2022-03-07,,\n2022-03-08,1,1\n",
        dividends_csv="date,A,B\n2022-03-08,,0\n",
    )
    assert wide.n_errors == 0
    facts = ["session", "symbol", "close", "adj_close", "dividend", "split_ratio", "price_basis"]
    pd.testing.assert_frame_equal(long.prices[facts], wide.prices[facts])


@pytest.mark.parametrize(
    "header",
    ["Ticker;Date;Close;Adj Close;Dividends;Stock Splits", "TICKER;trade_date;PX_LAST;Adjusted Close;divCash;splitFactor",
     "Sym;timestamp;close price;adjusted;dividend amount;split coefficient"],
)  # fmt: skip
def test_headers_of_common_vendors_in_any_case_and_with_semicolons(tmp_path: Path, header: str) -> None:
    data = read(tmp_path, eod_csv=f"{header}\nA;2022-03-07;100;100;0;0\nA;2022-03-08;24.5;98.5;0.5;4\n")
    assert data.n_errors == 0
    assert series(data, "A")["dividend"].tolist() == [0.0, 0.5]
    assert series(data, "A")["split_ratio"].tolist() == [1.0, 4.0]  # 0 is how some vendors write "no split"


FIELDS = "Adj Close,Adj Close,Close,Close,Dividends,Dividends,High,High,Stock Splits,Stock Splits"
ROWS = "2022-03-07,98,50,100,50,0.0,0.0,101,51,0.0,0.0\n2022-03-08,99.96,51,102,51,0.0,0.0,103,52,0.0,0.0\n"


@pytest.mark.parametrize("text", [
    f"Price,{FIELDS}\nTicker{',A,B' * 5}\nDate{',' * 10}\n{ROWS}",
    f"Ticker{',A,B' * 5}\nPrice,{FIELDS}\nDate{',' * 10}\n{ROWS}",
    f"Price,{FIELDS}\nTicker{',A,B' * 5}\n{ROWS}",
])  # fmt: skip
def test_the_header_of_two_levels_that_yfinance_writes(tmp_path: Path, text: str) -> None:
    long = read(tmp_path / "long", prices_csv=LONG)
    data = read(tmp_path / "two", prices_csv=text)
    assert (data.findings, data.files) == (long.findings, {"prices.csv": "prices"})
    pd.testing.assert_frame_equal(data.prices, long.prices)


def test_one_ticker_of_yfinance_is_adjusted_unless_two_closes_say_otherwise(tmp_path: Path) -> None:
    head = "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n"
    data = read(tmp_path, A_csv=f"{head}2022-03-07,98,99,97,98,1000\n2022-03-08,99.96,100,98,99,2000\n")
    assert series(data, "A")["price_basis"].tolist() == ["adjusted_only"] * 2
    assert series(data, "A")["adj_close"].tolist() == [98.0, 99.96]
    wrong = read(tmp_path / "wrong", A_csv=f"{head}2022-03-07,ninety,99,97,98,1000\n")
    (fault,) = found(wrong, "not_a_number")
    assert (fault.file, fault.line, fault.column, fault.value) == ("A.csv", 4, "A", "ninety")


def test_a_file_per_symbol_takes_its_name_from_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "prices", AAPL_csv="Date,Open,High,Low,Close,Adj Close,Volume\n2022-03-07,1,2,1,150,149,10\n")
    write(folder, BRK_B_csv="date,close\n2022-03-07,320\n")
    (folder / "BRK_B.csv").rename(folder / "BRK-B.csv")
    data = provider_of(tmp_path).data()
    assert sorted(data.coverage.index) == ["AAPL", "BRK.B"]
    assert data.n_errors == 0


def test_columns_in_any_order_numbers_in_quotes_bom_and_crlf(tmp_path: Path) -> None:
    text = '\ufeffclose,"symbol",date\r\n"100.5",A,2022-03-07\r\n\r\n 101 , A ,20220308\r\n'
    (tmp_path / "prices.csv").write_bytes(text.encode("utf-8"))
    data = provider_of(tmp_path).data()
    assert [str(finding) for finding in data.errors] == []
    assert series(data, "A")["close"].tolist() == [100.5, 101.0]


def test_an_index_without_a_name_is_the_date(tmp_path: Path) -> None:
    data = read(tmp_path, closes_csv=",A,B\n2022-03-07,1,2\n2022-03-08 00:00:00,3,4\n")
    assert data.n_errors == 0
    assert series(data, "B").index.tolist() == ["2022-03-07", "2022-03-08"]


def test_gzip_and_parquet_read_as_csv(tmp_path: Path) -> None:
    plain = read(tmp_path / "plain", prices_csv=LONG)
    text = (tmp_path / "plain" / "prices.csv").read_text()
    (tmp_path / "gz").mkdir()
    (tmp_path / "gz" / "prices.csv.gz").write_bytes(gzip.compress(text.encode()))
    frame = pd.read_csv(tmp_path / "plain" / "prices.csv", parse_dates=["date"])
    (tmp_path / "parquet").mkdir()
    frame.to_parquet(tmp_path / "parquet" / "prices.parquet", index=False)
    (tmp_path / "wide").mkdir()
    for name in ("close", "adj_close"):
        frame.pivot(index="date", columns="symbol", values=name).to_parquet(tmp_path / "wide" / f"{name}.parquet")
    for folder in ("gz", "parquet"):
        pd.testing.assert_frame_equal(provider_of(tmp_path / folder).data().prices, plain.prices)
    wide = provider_of(tmp_path / "wide").data()
    assert series(wide, "A")["adj_close"].tolist() == [98.0, 99.96]
    assert wide.n_errors == 0


def test_the_symbols_na_and_true_are_symbols(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,close\nNA,2022-03-07,1\nTRUE,2022-03-07,2\nNAN,2022-03-07,3\n")
    assert sorted(data.coverage.index) == ["NA", "NAN", "TRUE"]


def test_one_close_alone_is_adjusted_only(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,adjusted\nA,2022-03-07,10\nA,2022-03-08,11\n")
    row = series(data, "A").iloc[0]
    assert (row["close"], row["adj_close"], row["price_basis"]) == (10.0, 10.0, "adjusted_only")
    only_close = read(tmp_path / "other", closes_csv="date,A\n2022-03-07,10\n")
    assert series(only_close, "A").iloc[0]["price_basis"] == "adjusted_only"


def test_adjusted_close_is_derived_forward_from_dividends_and_splits(tmp_path: Path) -> None:
    # Tuesday: dividend 2 on a close of 100 before: 99 / (100 - 2) = +1.02 %. Wednesday: 4:1, 99 to 25: 4 x 25 / 99 = +1.01 %.
    # Thursday: 2:1 and a dividend of 0.5 per new share: 2 x 12.6 / (25 - 2 x 0.5) = +5 %
    data = read(
        tmp_path,
        prices_csv="symbol,date,close\nA,2022-03-07,100\nA,2022-03-08,99\nA,2022-03-09,25\nA,2022-03-10,12.6\nA,2022-03-11,12.6\n",
        dividends_csv="symbol,ex_date,amount\nA,2022-03-08,2\nA,2022-03-10,0.5\n",
        splits_csv="ticker,execution_date,split_from,split_to\nA,2022-03-09,1,4\nA,2022-03-10,1,2\n",
    )
    rows = series(data, "A")
    assert data.n_errors == 0
    assert rows["price_basis"].unique().tolist() == ["traded"]
    assert rows["adj_close"].iloc[0] == 100.0
    growth = (rows["adj_close"] / rows["adj_close"].shift(1)).tolist()[1:]
    assert growth == pytest.approx([99 / 98, 100 / 99, 25.2 / 24, 1.0], rel=1e-14)
    assert rows["source"].iloc[1] == "prices, adj_close derived"


def test_dividends_are_derived_where_only_the_two_closes_are_stated(tmp_path: Path) -> None:
    # a dividend of 2 on 100: the factor before it is 0.98
    text = "symbol,date,close,adj_close\nA,2022-03-07,100,98\nA,2022-03-08,99,99\nA,2022-03-09,99,99\n"
    rows = series(read(tmp_path, prices_csv=text), "A")
    assert rows["dividend"].tolist() == pytest.approx([0.0, 2.0, 0.0])
    assert rows["source"].iloc[1] == "prices, dividend derived"
    assert rows["price_basis"].unique().tolist() == ["split_adjusted"]


def test_rounding_of_adjusted_closes_is_no_dividend(tmp_path: Path) -> None:
    # a true factor of 0.9 rounded to cents wobbles by up to 0.005 / 18: that is not twelve dividends
    closes = [20.01 + 0.37 * i for i in range(12)]
    lines = "\n".join(f"A,{day},{close:.2f},{0.9 * close:.2f}" for day, close in zip(_days(12), closes, strict=True))
    rows = series(read(tmp_path, prices_csv=f"symbol,date,close,adj_close\n{lines}\n"), "A")
    assert rows["dividend"].tolist() == [0.0] * 12


def test_an_unstated_split_is_reported_and_no_dividend(tmp_path: Path) -> None:
    text = "symbol,date,close,adj_close\nA,2022-03-07,400,100\nA,2022-03-08,101,101\n"
    data = read(tmp_path, prices_csv=text)
    assert series(data, "A")["dividend"].tolist() == [0.0, 0.0]
    assert "A on 2022-03-08" in found(data, "unexplained_adjustment")[0].message
    assert found(data, "jump")[0].line == 3


def test_traded_closes_whose_adjusted_close_ignores_a_split_get_a_derived_one(tmp_path: Path) -> None:
    text = "symbol,date,close,adj_close,split_ratio\nA,2022-03-07,400,400,1\nA,2022-03-08,101,101,4\n"
    data = read(tmp_path, prices_csv=text)
    rows = series(data, "A")
    assert found(data, "adj_close_ignores_split")[0].line == 3
    assert rows["adj_close"].iloc[1] / rows["adj_close"].iloc[0] == pytest.approx(404 / 400)


def test_closes_adjusted_for_the_stated_splits_are_split_adjusted(tmp_path: Path) -> None:
    # the close does not fall to a quarter on the split: it is adjusted for it already, and quantities must not be multiplied
    text = "symbol,date,close,adj_close,dividends,stock splits\nA,2022-03-07,100,100,0,0\nA,2022-03-08,101,101,0,4\n"
    data = read(tmp_path, prices_csv=text)
    rows = series(data, "A")
    assert rows["split_ratio"].tolist() == [1.0, 1.0]
    assert rows["price_basis"].unique().tolist() == ["split_adjusted"]
    assert len(found(data, "split_already_in_close")) == 1


def test_splits_of_a_source_that_says_it_is_split_adjusted_are_left_out_and_reported(tmp_path: Path) -> None:
    text = "symbol,date,close,split_ratio,price_basis\nA,2022-03-07,100,1,split_adjusted\nA,2022-03-08,101,4,split_adjusted\n"
    data = read(tmp_path, prices_csv=text)
    assert series(data, "A")["split_ratio"].tolist() == [1.0, 1.0]
    assert len(found(data, "split_already_in_close")) == 1


def test_adjusted_closes_that_contradict_the_dividends_are_reported(tmp_path: Path) -> None:
    text = "symbol,date,close,adj_close,dividend\nA,2022-03-07,100,100,0\nA,2022-03-08,99,99,2\n"
    assert "A on 2022-03-08" in found(read(tmp_path, prices_csv=text), "adj_close_inconsistent")[0].message


def test_a_split_on_a_session_without_close_is_kept(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv="symbol,date,close\nA,2022-03-07,400\nA,2022-03-09,101\n",
        splits_csv="symbol,date,ratio\nA,2022-03-08,4:1\n",
    )
    rows = series(data, "A")
    assert rows["split_ratio"].tolist() == [1.0, 4.0, 1.0]
    assert np.isnan(rows["close"].iloc[1])
    assert rows["adj_close"].iloc[2] / rows["adj_close"].iloc[0] == pytest.approx(404 / 400)


def test_every_fault_is_named_with_file_line_column_and_value(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        prices_csv="""
        symbol,date,close,adj_close,currency
        A,2022-03-07,abc,10,USD
        A,03/08/2022,10,10,USD
        A,2022-03-09,-5,10,USD
        A,2022-03-10,"1,010",10,USD
        A,2022-03-11,10
        B,2022-03-07,10,10,EUR
        A B C!,2022-03-07,10,10,USD
        """,
    )
    data = provider_of(folder).data()
    told = {(finding.code, finding.file, finding.line, finding.column, finding.value) for finding in data.errors}
    assert told == {
        ("not_a_number", "prices.csv", 2, "close", "abc"),
        ("not_a_date", "prices.csv", 3, "date", "03/08/2022"),
        ("price_not_positive", "prices.csv", 4, "close", "A -5"),
        ("not_a_number", "prices.csv", 5, "close", "1,010"),
        ("wrong_cell_count", "prices.csv", 6, None, "3 cells, the header has 5"),
        ("foreign_currency", "prices.csv", 7, "currency", "EUR"),
        ("invalid_symbol", "prices.csv", 8, "symbol", "A B C!"),
    }
    assert data.n_errors == 7
    with pytest.raises(InvalidData, match=r"7 errors.*prices\.csv:2: close \('abc'\)"):
        provider_of(folder).prices([data.prices["session"].iloc[0].date()])


def test_a_thousand_faults_are_shown_as_twenty_and_counted(tmp_path: Path) -> None:
    lines = "\n".join(f"S{i},2022-03-07,x{i}" for i in range(1000))
    data = read(tmp_path, prices_csv=f"symbol,date,close\n{lines}\nA,2022-03-07,1\n")
    assert data.n_errors == 1000
    shown = found(data, "not_a_number")
    assert [finding.line for finding in shown[:2]] == [2, 3]
    assert len(shown) == 21
    assert "980 more" in shown[-1].message


def test_a_truncated_last_line_is_refused(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,close,adj_close\nA,2022-03-07,100.25,100.25\nA,2022-03-08,10")
    assert [(finding.code, finding.line) for finding in data.errors] == [("wrong_cell_count", 3)]


def test_dates_in_another_order_are_read_with_a_stated_format_only(tmp_path: Path) -> None:
    folder = write(tmp_path, prices_csv="symbol,date,close\nA,07/03/2022,1\n", provider_yaml='date_format: "%d/%m/%Y"\n')
    assert series(provider_of(folder).data(), "A").index.tolist() == ["2022-03-07"]


def test_dates_with_slashes_are_read_where_one_order_is_possible(tmp_path: Path) -> None:
    american = read(tmp_path / "us", prices_csv="symbol,date,close\nA,12/30/2022,1\nA,01/03/2023,2\n")
    assert series(american, "A").index.tolist() == ["2022-12-30", "2023-01-03"]
    european = read(tmp_path / "eu", prices_csv="symbol,date,close\nA,30/12/2022,1\nA,03/01/2023,2\n")
    assert series(european, "A").index.tolist() == ["2022-12-30", "2023-01-03"]
    both = read(tmp_path / "both", prices_csv="symbol,date,close\nA,03/01/2023,1\nA,04/01/2023,2\n")
    assert [finding.code for finding in both.errors][:2] == ["not_a_date", "not_a_date"]  # March and April, or January?


def test_days_without_trading_are_dropped_and_reported(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,close\nA,2022-03-04,1\nA,2022-03-05,2\nA,2022-03-07,3\n")
    assert series(data, "A").index.tolist() == ["2022-03-04", "2022-03-07"]
    assert (found(data, "non_session")[0].line, found(data, "non_session")[0].value) == (3, "2022-03-05")


def test_equal_rows_count_once_and_contradicting_ones_are_refused(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,close\nA,2022-03-07,1\nA,2022-03-07,1.0\nB,2022-03-07,2\nB,2022-03-07,2.5\n")
    assert found(data, "duplicate_rows")[0].line == 3
    assert (found(data, "disagreeing_rows")[0].line, found(data, "disagreeing_rows")[0].value) == (5, "2.5")
    assert data.n_errors == 1


def test_precedence_settles_which_source_a_symbol_is_taken_from(tmp_path: Path) -> None:
    files = {
        "vendor_one_csv": "date,A,B\n2022-03-07,10,20\n",
        "vendor_two_csv": "symbol,date,close\nA,2022-03-07,11\nC,2022-03-07,30\n",
    }
    assert read(tmp_path / "none", **files).n_errors == 1
    data = read(tmp_path / "stated", provider_yaml="precedence: [vendor_two, vendor_one]\n", **files)
    assert data.n_errors == 0
    assert dict(zip(data.prices["symbol"], data.prices["close"], strict=True)) == {"A": 11.0, "B": 20.0, "C": 30.0}


def test_files_of_one_symbol_by_year_are_put_together(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_2021_csv="symbol,date,close\nA,2021-12-30,9\nA,2021-12-31,10\n",
        prices_2022_csv="symbol,date,close\nA,2022-01-03,11\n",
    )
    assert series(data, "A")["close"].tolist() == [9.0, 10.0, 11.0]
    assert found(data, "gap") == []


def test_gaps_jumps_and_early_ends_are_reported(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        prices_csv="""
        symbol,date,close
        A,2022-03-07,10
        A,2022-03-10,16
        A,2022-03-11,1600
        B,2022-03-07,5
        """,
    )
    assert "2 sessions, first 2022-03-08" in found(data, "gap")[0].message
    assert "+60%" in found(data, "jump")[0].message
    assert (found(data, "absurd_jump")[0].line, found(data, "absurd_jump")[0].value) == (4, "1600")
    assert "B: 2022-03-07, 4 sessions before 2022-03-11" in found(data, "ends_early")[0].message


def test_rows_after_the_last_closed_session_are_not_used(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv="symbol,date,close\nA,2023-02-28,1\nA,2023-03-01,2\n")
    assert series(data, "A").index.tolist() == ["2023-02-28"]  # at noon UTC of 1 March New York has not closed
    assert "2023-03-01" in found(data, "in_the_future")[0].message


def test_unknown_keys_of_the_configuration_are_refused(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=LONG, provider_yaml="proxies: {market: SPY, oil: USO}\nprecedense: []\n")
    assert {finding.column for finding in data.errors} == {"proxies.oil.[key]", "precedense"}


def test_a_missing_proxy_is_said_and_never_replaced(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=LONG, provider_yaml="proxies: {market: A}\n")
    assert data.proxies["market"].symbol == "A"
    assert data.proxies["market"].is_stand_in
    assert data.proxies["value"].symbol == "VTV"
    assert {finding.value for finding in found(data, "proxy_missing")} == {"VTV", "VUG", "MTUM", "QUAL", "SIZE", "USMV"}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    provider = provider_of(write(tmp_path, prices_csv="symbol,date,close\nA,2022-03-07,1\n"))
    assert provider.known_symbols() == frozenset({"A"})
    write(tmp_path, prices_csv="symbol,date,close\nA,2022-03-07,1\nBB,2022-03-07,1\n")
    assert provider.known_symbols() == frozenset({"A", "BB"})


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    data = provider_of(tmp_path / "none").data()
    assert [finding.code for finding in data.errors] == ["no_folder"]


def test_an_unknown_file_is_reported_and_not_used(tmp_path: Path) -> None:
    data = read(tmp_path, prices_csv=LONG, weather_csv="city,sun\nBerlin,no\n")
    assert (data.n_errors, found(data, "unrecognised_file")[0].file) == (0, "weather.csv")


def _days(n: int) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.bdate_range("2022-03-01", periods=n)]
