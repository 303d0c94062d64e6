"""Correlations of books on the embedded data: views, names, gaps, clusters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert, select

from sigmasight_assets.calculations import correlations, materialize
from sigmasight_assets.calculations.checks.risk import matrices_semidefinite
from sigmasight_assets.calculations.correlations import CorrelationParameters, cluster_name, correlation_frames, matrix_of
from sigmasight_assets.calculations.materialize import Workshop
from sigmasight_assets.calculations.reader import reading
from sigmasight_assets.engines.correlation_summary import effective_number
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.tables import lot_tags, lots, portfolio_snapshots, portfolios, position_correlations, tags
from tests.support.books import Lot, add_book
from tests.support.factor_market import LAST, ChangedSample, copied, finish, last_sessions, rows_of, run_market, sample_shop
from tests.support.sample_panel import sample_panel

N_MARKET = 95


@pytest.fixture(scope="module")
def market_file(sqlite_template: Path, calendar: SessionCalendar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("correlations")
    shop = sample_shop(copied(sqlite_template, folder), calendar)
    run_market(shop, last_sessions(calendar, N_MARKET))
    finish(shop.database)
    return folder / "sigmasight.db"


@pytest.fixture
def shop(market_file: Path, calendar: SessionCalendar, tmp_path: Path) -> Iterator[Workshop]:
    made = sample_shop(copied(market_file, tmp_path), calendar)
    yield made
    made.database.dispose()


def book(shop: Workshop, held: list[Lot], name: str = "book") -> Portfolio:
    return add_book(shop.database, held, cash=1_000_000, as_of=LAST, name=name)


def compute(shop: Workshop) -> pd.DataFrame:
    """Rows of the last session, indexed by view."""
    materialize.option_greeks(shop, [LAST])
    materialize.position_values(shop, [LAST])
    materialize.position_correlations(shop, [LAST])
    return rows_of(shop.database, position_correlations, session=LAST).set_index("view")


def matrix(row: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(matrix_of(int(row["n_names"]), row["correlations"]), row["names"], row["names"])


LONGS = [Lot("KO", 1000, 60, LAST), Lot("PEP", 200, 180, LAST), Lot("XOM", 300, 100, LAST)]
SHORTS = [Lot("NVDA", -200, 140, LAST), Lot("AMD", -300, 60, LAST)]


def test_stored_correlations_are_those_of_ninety_simple_returns(shop: Workshop) -> None:
    book(shop, [*LONGS, *SHORTS])
    row = compute(shop).loc["portfolio"]
    returns = pd.DataFrame(sample_panel().returns[-90:], columns=sample_panel().symbols)[row["names"]]
    np.testing.assert_allclose(matrix(row), returns.corr(), atol=1e-14)
    assert (row["window"], row["n_obs"], row["n_names"]) == (90, 90, 5)
    upper = returns.corr().to_numpy()[np.triu_indices(5, 1)]
    assert row["average_correlation"] == pytest.approx(upper.mean(), rel=1e-12)
    weight = np.abs(np.array(row["delta_dollars"]))
    assert row["effective_number"] == pytest.approx(effective_number(returns.corr().to_numpy(), weight), rel=1e-12)
    assert row["min_eigenvalue"] == pytest.approx(np.linalg.eigvalsh(returns.corr())[0], rel=1e-9)
    assert (row["status"], row["repaired"], row["coverage"]) == ("ok", False, 1.0)


def test_views_take_the_names_by_the_sign_of_their_netted_delta(shop: Workshop) -> None:
    # 1,000 shares of KO against 10 puts of 100 at a delta near -1: a long name that its puts turn short
    put = "KO230317P00200000"
    book(shop, [*LONGS, *SHORTS, Lot(put, 15, 140, LAST), Lot("NVDA", 50, 140, LAST)])
    rows = compute(shop)
    assert set(rows.loc["longs", "names"]) == {"PEP", "XOM"}
    assert set(rows.loc["shorts", "names"]) == {"KO", "NVDA", "AMD"}
    assert rows.loc["portfolio", "n_names"] == 5
    netted = dict(zip(rows.loc["portfolio", "names"], rows.loc["portfolio", "delta_dollars"], strict=True))
    close = float(shop.provider.prices([LAST], ["NVDA"]).frame["close"].iloc[0])
    assert netted["NVDA"] == pytest.approx(-150 * close)
    whole, longs = matrix(rows.loc["portfolio"]), matrix(rows.loc["longs"])
    np.testing.assert_array_equal(longs, whole.loc[longs.index, longs.index])


def test_private_assets_are_left_out_and_small_names_by_both_sizes(shop: Workshop) -> None:
    small = [Lot("JNJ", 10, 170, LAST), Lot("PG", 200, 150, LAST)]  # 1,770 and 30,000 dollars
    book(shop, [Lot("KO", 100_000, 60, LAST), Lot("PEP", 5_000, 180, LAST), *small, Lot("HOUSE", 1, 1e7, LAST, private=True)])
    row = compute(shop).loc["portfolio"]
    assert row["names"] == ["KO", "PEP", "PG"]  # PG is below 1 % of the gross but above 10,000 dollars
    delta = np.abs(np.array(row["delta_dollars"])).sum()
    assert row["coverage"] == pytest.approx(delta / (delta + 10 * 177.0), rel=1e-4)


def test_the_sizes_are_parameters(shop: Workshop) -> None:
    owner = book(shop, [Lot("KO", 100_000, 60, LAST), Lot("PEP", 5_000, 180, LAST), Lot("PG", 200, 150, LAST)])
    compute(shop)
    with reading(shop.database, shop.calendar) as reader:
        strict = CorrelationParameters(least_dollars=1e9, window=60, cluster_at=0.5)
        ids, chunks = correlation_frames(reader, [LAST], [owner.id], strict)
        ((days, frame),) = list(chunks)
    row = frame.set_index("view").loc["portfolio"]
    assert (ids, days) == ([owner.id], [LAST])
    assert (row["names"], row["window"], row["n_obs"]) == (["KO", "PEP"], 60, 60)
    assert row["n_clusters"] == 1


def test_a_pair_that_hardly_meets_is_null_and_the_rest_is_known(market_file: Path, calendar: SessionCalendar, tmp_path: Path) -> None:
    """Defect 41: PEP has 29 returns, one too few."""
    days = last_sessions(calendar, N_MARKET)
    shop = sample_shop(copied(market_file, tmp_path), calendar, ChangedSample(since={"PEP": days[-30], "XOM": days[-31]}))
    with shop.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM prices")
    run_market(shop, days)
    book(shop, [*LONGS, *SHORTS])
    row = compute(shop).loc["portfolio"]
    found = matrix(row)
    pairs = found.where(~np.eye(5, dtype=bool))
    assert pairs["PEP"].isna().all()
    assert pairs.drop(index="PEP", columns="PEP").notna().sum().sum() == 12
    assert (row["status"], row["reason"], row["n_obs"]) == ("partial", "absent_pairs", 30)
    known = row["correlations"]
    assert known.count(None) == 4
    assert row["average_correlation"] == pytest.approx(np.mean([pair for pair in known if pair is not None]))
    rest = [i for i, name in enumerate(row["names"]) if name != "PEP"]
    assert row["effective_number"] == pytest.approx(
        effective_number(found.to_numpy()[np.ix_(rest, rest)], np.abs(np.array(row["delta_dollars"]))[rest])
    )
    assert row["coverage"] < 1.0
    assert matrices_semidefinite(shop, [LAST]).passed


def test_gaps_at_different_sessions_are_pairwise(market_file: Path, calendar: SessionCalendar, tmp_path: Path) -> None:
    days = last_sessions(calendar, N_MARKET)
    gaps = {("KO", days[-10 * k]): np.nan for k in range(1, 6)} | {("NVDA", days[-10 * k - 5]): np.nan for k in range(1, 6)}
    shop = sample_shop(copied(market_file, tmp_path), calendar, ChangedSample(gaps))
    with shop.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM prices")
    run_market(shop, days)
    book(shop, [*LONGS, *SHORTS])
    row = compute(shop).loc["portfolio"]
    panel = sample_panel()
    returns = pd.DataFrame(panel.returns[-90:], index=panel.sessions[-90:], columns=panel.symbols)[row["names"]]
    for symbol, day in gaps:
        at = returns.index.get_loc(day)
        returns.iloc[at : at + 2, returns.columns.get_loc(symbol)] = np.nan
    np.testing.assert_allclose(matrix(row), returns.corr(min_periods=30), atol=1e-13)
    assert (row["n_obs"], row["status"]) == (70, "ok")  # each gap costs the two returns beside it


def test_a_book_of_one_name_has_no_correlation_and_says_why(shop: Workshop) -> None:
    book(shop, [Lot("KO", 1000, 60, LAST)])
    rows = compute(shop)
    assert rows["reason"].unique().tolist() == ["fewer_than_two_names"]
    assert rows["status"].unique().tolist() == ["ok"]
    assert np.isnan(rows.loc["portfolio", "average_correlation"])
    assert rows.loc["portfolio", "effective_number"] == pytest.approx(1.0)
    assert rows.loc["shorts", "names"] == []
    materialize.opening_cash(shop)
    materialize.portfolio_snapshots(shop, [LAST])
    snapshot = rows_of(shop.database, portfolio_snapshots, session=LAST).iloc[0]
    assert (snapshot["correlation_reason"], snapshot["factor_reason"]) == ("fewer_than_two_names", "not_materialized")


def tag(shop: Workshop, portfolio: Portfolio, words: dict[str, list[str]]) -> None:
    """Give the lots of symbols tags."""
    with shop.database.write() as connection:
        owner = connection.execute(select(portfolios.c.owner_id).where(portfolios.c.id == portfolio.id)).scalar_one()
        for word in sorted({word for own in words.values() for word in own}):
            connection.execute(insert(tags), {"id": uuid.uuid4(), "owner_id": owner, "name": word, "name_key": word})
        names = dict(connection.execute(select(tags.c.name, tags.c.id)).tuples().all())
        for lot, symbol in connection.execute(select(lots.c.id, lots.c.symbol)).tuples():
            for word in words.get(symbol, []):
                connection.execute(insert(lot_tags), {"lot_id": lot, "tag_id": names[word]})


def test_a_cluster_is_called_by_sector_then_tag_then_its_largest_member(shop: Workshop) -> None:
    portfolio = book(shop, [Lot("JPM", 500, 130, LAST), Lot("BAC", 1000, 32, LAST), Lot("XOM", 300, 100, LAST), Lot("CVX", 200, 170, LAST)])
    (cluster,) = [c for c in compute(shop).loc["portfolio", "clusters"] if set(c["members"]) == {"JPM", "BAC"}]
    assert (cluster["name"], cluster["named_by"], cluster["members"]) == ("Financials", "sector", ["JPM", "BAC"])
    returns = pd.DataFrame(sample_panel().returns[-90:], columns=sample_panel().symbols)
    assert cluster["average_correlation"] == pytest.approx(returns["JPM"].corr(returns["BAC"]))
    with shop.database.write() as connection:
        connection.exec_driver_sql("UPDATE security_master SET sector = symbol, fund_category = NULL")
    (cluster,) = [c for c in compute(shop).loc["portfolio", "clusters"] if "JPM" in c["members"]]
    assert (cluster["name"], cluster["named_by"]) == ("JPM", "largest")
    tag(shop, portfolio, {"JPM": ["core", "banks"], "BAC": ["core", "banks"], "XOM": ["core"], "CVX": ["core"]})
    (cluster,) = [c for c in compute(shop).loc["portfolio", "clusters"] if "JPM" in c["members"]]
    assert (cluster["name"], cluster["named_by"]) == ("banks", "tag")  # and not what every name is


def test_of_words_that_members_share_alike_the_larger_lots_give_the_name() -> None:
    tags = {"AAPL": {"tech": 427_000.0, "option": 60_000.0}, "AMD": {"tech": 220_000.0, "option": 9_000.0}, "XOM": {"energy": 400_000.0}}
    assert cluster_name(["AAPL", "AMD"], {"tag": tags}) == ("tech", "tag")


def test_concentration_is_the_share_of_the_clusters(shop: Workshop) -> None:
    book(shop, [Lot("JPM", 500, 130, LAST), Lot("BAC", 1000, 32, LAST), Lot("RRC", 1000, 25, LAST)])
    row = compute(shop).loc["portfolio"]
    weight = dict(zip(row["names"], np.abs(np.array(row["delta_dollars"])), strict=True))
    assert [set(cluster["members"]) for cluster in row["clusters"]] == [{"JPM", "BAC"}]
    assert row["concentration"] == pytest.approx((weight["JPM"] + weight["BAC"]) / sum(weight.values()))
    assert row["clusters"][0]["share"] == pytest.approx(row["concentration"])


def test_chunks_of_sessions_give_the_rows_of_one(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    days = last_sessions(shop.calendar, 3)
    book(shop, [Lot("KO", 1000, 60, days[0]), Lot("PEP", 200, 180, days[0]), Lot("NVDA", -200, 140, days[1])])
    materialize.position_values(shop, days)
    materialize.position_correlations(shop, days)
    query = select(position_correlations).order_by(position_correlations.c.session, position_correlations.c.view)
    whole = shop.database.frame(query)
    monkeypatch.setattr(correlations, "BOOKS_PER_FRAME", 1)
    materialize.position_correlations(shop, days)
    pd.testing.assert_frame_equal(shop.database.frame(query), whole)
    assert len(whole) == 9


def test_portfolios_do_not_touch_each_other(shop: Workshop) -> None:
    first = book(shop, LONGS, "first")
    compute(shop)
    query = select(position_correlations).where(position_correlations.c.portfolio_id == first.id).order_by(position_correlations.c.view)
    alone = shop.database.frame(query)
    book(shop, [*LONGS, *SHORTS], "second")
    compute(shop)
    pd.testing.assert_frame_equal(shop.database.frame(query), alone)


def test_nothing_after_a_session_is_read(shop: Workshop, calendar: SessionCalendar) -> None:
    early = date(2022, 12, 23)
    book(shop, [Lot("KO", 1000, 60, early), Lot("PEP", 200, 180, early)])
    for step in (materialize.position_values, materialize.position_correlations):
        step(shop, [early])
    before = rows_of(shop.database, position_correlations, session=early)
    later = Workshop(shop.database, calendar, ChangedSample({("KO", day): 1.4 for day in last_sessions(calendar, 2)}), "later")
    run_market(later, last_sessions(calendar, 2))
    materialize.position_correlations(later, [early])
    pd.testing.assert_frame_equal(rows_of(shop.database, position_correlations, session=early), before)
