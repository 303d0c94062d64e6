"""Positions against plain Python over the tables: filters, order, pages, groups, strategies."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sigmasight_api.models.base import AnalyticCollection, Collection
from sigmasight_api.models.positions import EXPOSURES, GroupedPositions, Position, PositionTags, SinglePosition
from sigmasight_api.models.strategies import Strategy
from sigmasight_api.models.tags import Tag
from sigmasight_assets.reports.collector import collect
from sigmasight_assets.reports.json_writer import document
from sigmasight_assets.store.tables import lot_tags, lots, portfolio_snapshots, position_values, security_master, tags
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor
from tests.api.test_portfolio_reads import LAST, OWN, forget, plain, read
from tests.support.counted_queries import counted_queries

GROUPINGS = ("type", "strategy", "tag", "sector", "underlying")
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def book(as_user: ClientFor) -> Rows:
    """The hedge fund's rows of the last session as the tables have them, the largest first."""
    client = as_user(HEDGE_FUND)
    with client.app.state.service.database.read() as connection:
        query = (
            select(position_values, lots.c.ordinal, lots.c.entry_date, security_master.c.sector, security_master.c.fund_category)
            .join(lots, lots.c.id == position_values.c.lot_id)
            .outerjoin(security_master, security_master.c.symbol == position_values.c.underlying)
            .where(position_values.c.session == LAST, position_values.c.portfolio_id == OWN, position_values.c.event.is_(None))
        )
        rows = [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]
        pairs = connection.execute(select(lot_tags.c.lot_id, tags.c.name).join(tags, tags.c.id == lot_tags.c.tag_id)).all()
    for row in rows:
        row["sector"] = row["sector"] or (f"Funds: {row['fund_category']}" if row["fund_category"] else "No sector known")
        row["tags"] = sorted((name for lot, name in pairs if lot == row["lot_id"]), key=str.lower)
    return sorted(rows, key=lambda row: (-abs(row["market_value"]), row["ordinal"]))


def ids(rows: Rows) -> list[str]:
    return [str(row["lot_id"]) for row in rows]


def test_every_open_lot_is_its_row_of_the_table(as_user: ClientFor, book: Rows) -> None:
    answer = read(as_user(HEDGE_FUND), "/positions", limit=500)
    AnalyticCollection[Position].model_validate(answer)
    assert ids(answer["items"]) == ids(book)
    shared = set(answer["items"][0]) & set(book[0])
    assert len(shared) > 25
    for item, row in zip(answer["items"], book, strict=True):
        assert {name: item[name] for name in shared} == {name: plain(row[name]) for name in shared}


FILTERS: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "by type": ({"type": ["SP", "LC"]}, lambda row: row["position_type"] in ("SP", "LC")),
    "by symbol, in any case": ({"symbol": "nvda"}, lambda row: row["symbol"] == "NVDA"),
    "by an option's symbol": ({"symbol": "NVDA230616C00180000"}, lambda row: row["symbol"] == "NVDA230616C00180000"),
    "by underlying": ({"underlying": ["NVDA", "KO"]}, lambda row: row["underlying"] in ("NVDA", "KO")),
    "by any tag": ({"tags": ["Tech", "energy"]}, lambda row: {"tech", "energy"} & set(row["tags"])),
    "by all tags": ({"tags": ["tech", "momentum"], "tag_mode": "all"}, lambda row: {"tech", "momentum"} <= set(row["tags"])),
    "by a tag given twice": ({"tags": ["tech", "TECH"], "tag_mode": "all"}, lambda row: "tech" in row["tags"]),
    "by strategy": ({"strategy": "energy_pair"}, lambda row: "strategy:energy_pair" in row["tags"]),
    "by sector": ({"sector": "health care"}, lambda row: row["sector"] == "Health Care"),
    "by value, shorts too": ({"min_value": 300_000}, lambda row: abs(row["market_value"]) >= 300_000),
    "by several": (
        {"type": "LONG", "tags": "tech", "min_value": 400_000},
        lambda row: row["position_type"] == "LONG" and "tech" in row["tags"] and row["market_value"] >= 400_000,
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_choose_what_plain_python_chooses(as_user: ClientFor, book: Rows, name: str) -> None:
    parameters, holds = FILTERS[name]
    expected = ids([row for row in book if holds(row)])
    answer = read(as_user(HEDGE_FUND), "/positions", **parameters)
    assert ids(answer["items"]) == expected
    assert 0 < answer["page"]["total"] == len(expected) < len(book)


@pytest.mark.parametrize("field", ["pnl", "symbol", "delta_dollars", "entry_date", "quantity"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_rows_come_in_the_order_that_is_asked_for(as_user: ClientFor, book: Rows, field: str, sign: str) -> None:
    items = read(as_user(HEDGE_FUND), "/positions", sort=sign + field)["items"]
    assert ids(items) == ids(sorted(book, key=lambda row: row[field], reverse=sign == "-"))


def test_pages_are_slices_and_know_the_total_also_past_the_end(as_user: ClientFor, book: Rows) -> None:
    client = as_user(HEDGE_FUND)
    for offset in (0, 7, 28, 99):
        answer = read(client, "/positions", limit=7, offset=offset)
        assert ids(answer["items"]) == ids(book[offset : offset + 7])
        assert answer["page"] == {"limit": 7, "offset": offset, "total": len(book)}


@pytest.mark.parametrize("field", ["symbol", "underlying", "tags", "strategy", "sector"])
@pytest.mark.parametrize("value", ["' OR '1'='1", "%", "NVDA'; DROP TABLE lots; --", "_" * 4, "é", "tech,energy", "\\"])
def test_a_filter_is_a_value_and_never_a_query(as_user: ClientFor, book: Rows, field: str, value: str) -> None:
    client = as_user(HEDGE_FUND)
    assert read(client, "/positions", **{field: value})["items"] == []
    assert read(client, "/positions")["page"]["total"] == len(book)


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "STOCK"},
        {"symbol": "A\x00B"},
        {"min_value": "nan"},
        {"min_value": "-1"},
        {"sort": "owner_id"},
        {"sort": "pnl;DROP TABLE lots"},
        {"tag_mode": "none"},
        {"limit": 501},
        {"offset": -1},
        {"tags": "x" * 101},
    ],
)
def test_values_that_mean_nothing_are_refused(as_user: ClientFor, parameters: dict[str, Any]) -> None:
    answer = as_user(HEDGE_FUND).get("/api/v1/positions", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["query", next(iter(parameters))]


def test_a_lot_that_has_ended_or_is_to_come_is_listed_when_asked_for(as_user: ClientFor, book: Rows) -> None:
    client = as_user(HEDGE_FUND)
    ended = read(client, "/positions", state="ended")["items"]
    assert {item["symbol"] for item in ended} == {"WMT", "NVDA220916C00170000", "AAPL221216P00150000"}
    assert all(item["market_value"] is item["status"] is None for item in ended)
    assert read(client, "/positions", state="all")["page"]["total"] == len(book) + 3
    upcoming = read(client, "/positions", state="upcoming", as_of="2021-06-30")
    assert upcoming["page"]["total"] == len(book) + 3


def test_a_book_before_its_first_session_is_what_the_ledger_says(as_user: ClientFor) -> None:
    answer = read(as_user(HEDGE_FUND), "/positions", as_of="2021-12-15", symbol=["LLY", "XOM"])
    assert [(item["symbol"], item["entered_quantity"]) for item in answer["items"]] == [("LLY", 780), ("XOM", 3730)]
    item, meta = answer["items"][0], answer["meta"]
    assert (item["market_value"], item["status"], item["reason"]) == (None, "unavailable", "not_computed")
    assert (meta["as_of"], meta["status"], meta["reason"]) == ("2021-12-15", "unavailable", "not_computed")


def test_one_position_is_its_row_with_an_entity_tag_of_its_own(as_user: ClientFor, book: Rows) -> None:
    client = as_user(HEDGE_FUND)
    path = f"/positions/{book[0]['lot_id']}"
    answer = client.get(f"/api/v1{path}")
    SinglePosition.model_validate(answer.json())
    assert answer.json()["market_value"] == book[0]["market_value"]
    assert answer.headers["etag"].startswith('"')
    tagged = read(client, f"{path}/tags")
    PositionTags.model_validate(tagged)
    assert tagged["tags"] == book[0]["tags"]


@pytest.mark.parametrize("email", [WEALTHY, NOBODY])
def test_another_users_position_does_not_exist(as_user: ClientFor, book: Rows, email: str) -> None:
    for path in (f"/positions/{book[0]['lot_id']}", f"/positions/{book[0]['lot_id']}/tags", f"/positions/{uuid.uuid4()}"):
        assert as_user(email).get(f"/api/v1{path}").status_code == 404
    for path in ("/positions", "/positions/grouped", "/strategies"):
        assert as_user(email).get(f"/api/v1{path}", params={"portfolio_id": str(OWN)}).status_code == 404
    assert as_user(HEDGE_FUND).get("/api/v1/positions/not-an-id").status_code == 422


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_are_sums_of_their_lots_and_the_total_is_the_snapshot(as_user: ClientFor, book: Rows, by: str) -> None:
    client = as_user(HEDGE_FUND)
    answer = read(client, "/positions/grouped", by=by)
    GroupedPositions.model_validate(answer)
    with client.app.state.service.database.read() as connection:
        query = select(portfolio_snapshots).where(portfolio_snapshots.c.session == LAST, portfolio_snapshots.c.portfolio_id == OWN)
        snapshot = connection.execute(query).mappings().one()
    assert answer["total"] == {name: plain(snapshot[name]) for name in answer["total"]}
    names = {"type": "position_type", "sector": "sector", "underlying": "underlying"}
    for group in answer["groups"]:
        members = [row for row in book if _in_group(row, by, group["group"], names)]
        assert group["n_positions"] == len(members) > 0
        for family, column in EXPOSURES.items():
            values = [row[column] for row in members]
            assert group[f"{family}_long"] == pytest.approx(sum(value for value in values if value > 0), rel=1e-12)
            assert group[f"{family}_net"] == pytest.approx(sum(values), rel=1e-9)
        assert group["pnl"] == pytest.approx(sum(row["pnl"] + row["dividends"] for row in members), rel=1e-9, abs=1e-6)
        assert group["vega_per_volpt"] == pytest.approx(sum(row["vega_per_volpt"] for row in members), rel=1e-9)
    assert answer["overlapping"] is (by in ("tag", "strategy"))
    if not answer["overlapping"]:
        for name in ("market_value_net", "notional_gross", "delta_net", "pnl", "gamma_dollars_per_pct", "n_positions"):
            assert math.fsum(group[name] for group in answer["groups"]) == pytest.approx(snapshot[name], rel=1e-9)


def _in_group(row: dict[str, Any], by: str, group: str | None, names: dict[str, str]) -> bool:
    if by == "tag":
        return group in row["tags"] if group else not row["tags"]
    if by == "strategy":
        strategies = [tag.removeprefix("strategy:") for tag in row["tags"] if tag.startswith("strategy:")]
        return group in strategies if group else not strategies
    return row[names[by]] == group


def test_sectors_are_the_reports(as_user: ClientFor) -> None:
    client = as_user(WEALTHY)
    groups = {group["group"]: group for group in read(client, "/positions/grouped", by="sector")["groups"]}
    portfolio_id = uuid.UUID(read(client, "/portfolios")["items"][0]["id"])
    report = document(collect(client.app.state.service.database, portfolio_id, LAST))
    rows = report["groups"]["allocation"]["tables"]["by_sector"]
    assert {row["group"] for row in rows} == set(groups)
    for row in rows:
        group = groups[row["group"]]
        assert (row["lots"], row["long"], row["short"]) == (
            group["n_positions"],
            pytest.approx(group["market_value_long"], rel=1e-12),
            pytest.approx(group["market_value_short"], rel=1e-12),
        )


def test_strategies_say_what_they_are(as_user: ClientFor) -> None:
    hedge, wealthy = read(as_user(HEDGE_FUND), "/strategies"), read(as_user(WEALTHY), "/strategies")
    for answer in (hedge, wealthy):
        AnalyticCollection[Strategy].model_validate(answer)
    found = {item["strategy"]: (item["structure"], item["n_positions"]) for item in hedge["items"]}
    assert found == {"covered_call": ("covered_call", 1), "energy_pair": ("pair", 3), "pharma_pair": ("pair", 2)}
    found = {item["strategy"]: (item["structure"], item["n_positions"]) for item in wealthy["items"]}
    assert found == {"collar": ("collar", 2), "covered_call": ("covered_call", 1)}
    collar = wealthy["items"][0]
    assert collar["structures"][0]["shares_of_book"] == 900
    assert collar["delta_net"] == pytest.approx(collar["delta_long"] + collar["delta_short"])
    assert {leg["symbol"] for leg in collar["legs"]} == {"AAPL230317P00120000", "AAPL230317C00170000"}


def test_tags_are_counted(as_user: ClientFor) -> None:
    answer = read(as_user(HEDGE_FUND), "/tags", sort="-n_positions")
    Collection[Tag].model_validate(answer)
    counts = {item["name"]: item["n_positions"] for item in answer["items"]}
    assert (counts["short"], counts["strategy:energy_pair"]) == (9, 3)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
    assert read(as_user(NOBODY), "/tags")["items"] == []


@pytest.mark.parametrize("path", ["/positions", "/positions/grouped", "/strategies", "/tags", "/positions/{lot}", "/positions/{lot}/tags"])
def test_a_read_is_three_queries_at_most(as_user: ClientFor, book: Rows, path: str) -> None:
    client = as_user(HEDGE_FUND)
    forget(client.app.state.service)
    with counted_queries(client.app.state.service.database) as seen:
        read(client, path.format(lot=book[0]["lot_id"]))
    assert 1 <= len(seen) <= 3, seen
