"""Positions, tags, flows and marks are written: as a file's rows would be, exactly, recorded, and seen at once."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sigmasight_api.models import position_writes as models
from sigmasight_api.models.base import AnalyticCollection
from sigmasight_api.models.tags import Tag
from sigmasight_assets.ledger.changes import INCEPTION
from sigmasight_assets.store.tables import activity, ledger_changes, lots
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor, logged_in
from tests.api.test_portfolio_reads import OWN, read
from tests.api.test_portfolio_writes import rows

POSITIONS, TAGS = "/api/v1/positions", "/api/v1/tags"
KO = {"symbol": "ko", "quantity": "100.5", "entry_price": 63.123456789012, "entry_date": "2022-12-01", "tags": ["Core", "SHORT"]}


def lot_of(client: TestClient, symbol: str) -> dict[str, Any]:
    return read(client, "/positions", symbol=symbol, state="all")["items"][0]


def last_changes(client: TestClient, n: int) -> list[tuple[str, str]]:
    """(facet, first session) of the last ledger changes, the newest first."""
    c = ledger_changes.c
    query = select(c.facet, c.first_session).where(c.portfolio_id == OWN).order_by(c.id.desc()).limit(n)
    return [(facet, str(first)) for facet, first in rows(client, query)]


def last_activity(client: TestClient) -> tuple[str, str]:
    return tuple(rows(client, select(activity.c.action, activity.c.resource).order_by(activity.c.id.desc()).limit(1))[0])


def test_a_new_lot_is_listed_at_once_exactly_and_without_values(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    body = str(KO).replace("'", '"')
    answer = client.post(POSITIONS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    models.WrittenPosition.model_validate(answer.json())
    lot_id = answer.json()["position"]["lot_id"]
    assert answer.headers["location"] == f"{POSITIONS}/{lot_id}"
    assert (answer.json()["stale_from"], answer.json()["warnings"]) == ("2022-01-03", [])
    stored = rows(client, select(lots.c.symbol, lots.c.quantity, lots.c.entry_price).where(lots.c.id == uuid.UUID(lot_id)))
    assert stored == [("KO", Decimal("100.5"), Decimal("63.123456789012"))]
    shown = read(client, f"/positions/{lot_id}")
    assert (shown["market_value"], shown["status"], shown["reason"]) == (None, "unavailable", "not_computed")
    assert (shown["tags"], shown["position_type"], shown["sector"]) == (["Core", "short"], "LONG", "Consumer Staples")
    assert shown["meta"]["stale"]
    assert lot_id in {item["lot_id"] for item in read(client, "/positions", symbol="KO")["items"]}
    assert last_changes(client, 1) == [("book", str(INCEPTION))]
    assert last_activity(client) == ("position.create", f"position:{lot_id}")


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a date in the future": ({"entry_date": "2999-01-01"}, "entry_date", "date_in_future"),
    "no quantity": ({"quantity": 0}, "quantity", "zero_quantity"),
    "a price of nothing": ({"entry_price": 0}, "entry_price", "price_not_positive"),
    "an exit before the entry": ({"exit_date": "2022-11-01", "exit_price": 60}, "exit_date", "exit_before_entry"),
    "half an exit": ({"exit_price": 60}, "exit_date", "exit_incomplete"),
    "a symbol that is none": ({"symbol": "K O!"}, "symbol", "invalid_symbol"),
    "an option cut short": ({"symbol": "AAPL240119C0019500"}, "symbol", "invalid_symbol"),
    "an option after its expiry": ({"symbol": "AAPL221118C00150000"}, "entry_date", "entry_after_expiry"),
    "an asset class that is none": ({"asset_class": "crypto"}, "asset_class", "unknown_asset_class"),
    "a lot too old to be open": ({"entry_date": "2015-01-02"}, "entry_date", "entry_too_old"),
    "a number with an exponent": ({"quantity": "1e2"}, "quantity", "value_error"),
    "a date of another order": ({"entry_date": "01.12.2022"}, "entry_date", "value_error"),
    "a tag with a blank": ({"tags": ["two words"]}, "tags", "string_pattern_mismatch"),
    "a field that is not known": ({"price": 3}, "price", "extra_forbidden"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_is_refused_as_a_row_of_a_file_is(as_user: ClientFor, name: str) -> None:
    change, field, code = REFUSED[name]
    answer = as_user(HEDGE_FUND).post(POSITIONS, json=KO | change)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert (error["loc"][:2], error["code"]) == (["body", field], code)


def test_what_no_market_data_are_known_of_is_warned_of(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    answer = client.post(POSITIONS, json=KO | {"symbol": "ZZZZQ"})
    assert (answer.status_code, [warning["code"] for warning in answer.json()["warnings"]]) == (201, ["unknown_symbol"])
    option = client.post(POSITIONS, json=KO | {"symbol": "-KO230120C60", "quantity": -2, "entry_price": 4})
    assert (option.json()["warnings"], option.json()["position"]["symbol"]) == ([], "KO230120C00060000")
    assert last_changes(client, 2) == [("contracts", "2022-12-01"), ("book", str(INCEPTION))]


def test_a_lot_is_corrected_by_who_read_it_last(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    path = f"{POSITIONS}/{lot_of(client, 'KO')['lot_id']}"
    tag = client.get(path).headers["etag"]
    first = client.patch(path, json={"quantity": -3000}, headers={"If-Match": tag})
    second = client.patch(path, json={"quantity": -1}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    models.WrittenPosition.model_validate(first.json())
    assert read(client, path.removeprefix("/api/v1"))["entered_quantity"] == -3000
    assert client.patch(path, json={"entry_price": "64.5"}, headers={"If-Match": first.headers["etag"]}).status_code == 200
    nothing = client.patch(path, json={"entry_price": 64.5})
    assert (nothing.status_code, nothing.json()["stale_from"]) == (200, None)
    assert client.patch(path, json={"quantity": None}).json()["errors"][0]["loc"] == ["body", "quantity"]
    assert client.patch(path, json={"symbol": "PEP"}).status_code == 422
    assert client.delete(path, headers={"If-Match": tag}).status_code == 412


def test_a_part_is_closed_and_the_rest_is_held(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    lot = lot_of(client, "XOM")
    path = f"{POSITIONS}/{lot['lot_id']}"
    answer = client.post(f"{path}/close", json={"exit_date": "2022-12-20", "exit_price": "105.5", "quantity": 1000})
    models.ClosedPosition.model_validate(answer.json())
    closed, remaining = answer.json()["closed"], answer.json()["remaining"]
    assert remaining["lot_id"] == lot["lot_id"] != closed["lot_id"]
    assert (closed["entered_quantity"], closed["exit_price"]) == (1000, 105.5)
    assert remaining["entered_quantity"] == lot["entered_quantity"] - 1000
    assert closed["tags"] == remaining["tags"] == lot["tags"]
    assert closed["entered_price"] == lot["entered_price"]
    whole = client.post(f"{path}/close", json={"exit_date": "2022-12-21", "exit_price": 106})
    assert (whole.json()["closed"]["lot_id"], whole.json()["remaining"]) == (lot["lot_id"], None)
    again = client.post(f"{path}/close", json={"exit_date": "2022-12-21", "exit_price": 106})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    opened = client.patch(path, json={"exit_date": None, "exit_price": None})
    assert opened.json()["position"]["exit_date"] is None
    assert read(client, path.removeprefix("/api/v1"))["state"] == "open"


@pytest.mark.parametrize("quantity", [0, -5, 3451, "nan", 10**15])
def test_a_part_is_above_nothing_and_not_above_all(as_user: ClientFor, quantity: Any) -> None:
    client = as_user(HEDGE_FUND)
    path = f"{POSITIONS}/{lot_of(client, 'KO')['lot_id']}/close"
    answer = client.post(path, json={"exit_date": "2022-12-20", "exit_price": 60, "quantity": quantity})
    assert answer.status_code == 422


def test_a_deleted_lot_is_gone_at_once(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    lot = lot_of(client, "NVDA230616C00180000")
    answer = client.delete(f"{POSITIONS}/{lot['lot_id']}")
    models.DeletedPosition.model_validate(answer.json())
    assert client.get(f"{POSITIONS}/{lot['lot_id']}").status_code == client.delete(f"{POSITIONS}/{lot['lot_id']}").status_code == 404
    assert read(client, "/positions", symbol="NVDA230616C00180000")["items"] == []
    assert last_changes(client, 2) == [("contracts", "2022-10-14"), ("book", str(INCEPTION))]


def test_nobody_writes_to_what_is_not_theirs(as_user: ClientFor) -> None:
    lot = lot_of(as_user(HEDGE_FUND), "KO")
    tag = read(as_user(HEDGE_FUND), "/tags")["items"][0]["id"]
    for email in (WEALTHY, NOBODY):
        client = as_user(email)
        path = f"{POSITIONS}/{lot['lot_id']}"
        exit_ = {"exit_date": "2022-12-20", "exit_price": 60}
        flow = {"date": "2022-12-20", "amount": 1}
        statuses = [
            client.post(POSITIONS, json=KO | {"portfolio_id": str(OWN)}).status_code,
            client.patch(path, json={"quantity": 1}).status_code,
            client.post(f"{path}/close", json=exit_).status_code,
            client.delete(path).status_code,
            client.put(f"{path}/tags", json={"tags": []}).status_code,
            client.post(f"{TAGS}/bulk-assign", json={"lot_ids": [lot["lot_id"]], "add": ["mine"]}).status_code,
            client.put(f"{TAGS}/{tag}", json={"name": "mine"}).status_code,
            client.delete(f"{TAGS}/{tag}").status_code,
            client.post(f"/api/v1/portfolios/{OWN}/flows", json=flow).status_code,
            client.post(
                f"/api/v1/portfolios/{OWN}/appraisals", json={"symbol": "X", "date": "2022-12-20", "price_per_unit": 1}
            ).status_code,
        ]
        assert statuses == [404] * 10
    assert lot_of(as_user(HEDGE_FUND), "KO") == lot


def test_tags_of_a_lot_are_set_whatever_their_case_and_make_the_names_of_clusters_old(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    lot = lot_of(client, "KO")
    path = f"{POSITIONS}/{lot['lot_id']}/tags"
    tag = client.get(path).headers["etag"]
    answer = client.put(path, json={"tags": ["SHORT", "Fresh", "fresh", "strategy:fizz"]}, headers={"If-Match": tag})
    models.SetTags.model_validate(answer.json())
    assert answer.json()["tags"] == ["Fresh", "short", "strategy:fizz"]
    assert client.put(path, json={"tags": []}, headers={"If-Match": tag}).status_code == 412
    meta = read(client, "/risk/correlations/positions/metrics")["meta"]
    assert (meta["stale"], meta["stale_reason"]["input"]) == (True, "ledger.tags")
    assert not read(client, "/portfolio")["meta"]["stale"]
    operation = client.get(f"/api/v1/operations/{answer.json()['operation']}").json()
    assert (operation["kind"], operation["state"], operation["request"]["first"]) == ("bring_up_to_date", "queued", lot["entry_date"])
    same = client.put(path, json={"tags": ["fresh", "short", "strategy:fizz"]}).json()
    assert (same["operation"], same["stale_from"]) == (None, None)
    assert client.put(path, json={"tags": [f"t{i}" for i in range(21)]}).status_code == 422
    assert client.put(path, json={"tags": []}).json()["tags"] == []


def test_a_tag_is_made_renamed_and_deleted(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    made = client.post(TAGS, json={"name": "Conviction"})
    assert made.status_code == 201
    Tag.model_validate(made.json())
    assert client.post(TAGS, json={"name": "conviction"}).json()["code"] == "conflict"
    path = f"{TAGS}/{made.json()['id']}"
    assert client.put(path, json={"name": "CONVICTION"}).json()["name"] == "CONVICTION"
    assert client.put(path, json={"name": "tech"}).status_code == 409
    tech = next(tag for tag in read(client, "/tags")["items"] if tag["name"] == "tech")
    renamed = client.put(f"{TAGS}/{tech['id']}", json={"name": "technology"}).json()
    models.RenamedTag.model_validate(renamed)
    assert len(renamed["updating"]["operations"]) == 1
    assert renamed == {**tech, "name": "technology", "updating": renamed["updating"]}
    assert read(client, "/positions", tags="technology")["page"]["total"] > 0
    gone = client.delete(f"{TAGS}/{tech['id']}")
    models.DeletedTag.model_validate(gone.json())
    assert gone.json()["n_positions"] == tech["n_positions"]
    assert read(client, "/positions", tags="technology")["page"]["total"] == 0
    assert client.delete(path).status_code == 200
    assert client.delete(path).status_code == 404


def test_the_hundred_and_first_tag_is_refused(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    missing = 100 - read(client, "/tags")["page"]["total"]
    for i in range(missing):
        assert client.post(TAGS, json={"name": f"tag_{i}"}).status_code == 201
    answer = client.post(TAGS, json={"name": "one_more"})
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")


def test_tags_are_assigned_to_all_or_to_none(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    shorts = read(client, "/positions", type="SHORT")["items"]
    ids = [item["lot_id"] for item in shorts]
    answer = client.post(f"{TAGS}/bulk-assign", json={"lot_ids": ids, "add": ["hedge", "short"], "remove": ["Retail"]})
    models.Assigned.model_validate(answer.json())
    assert answer.json()["n_changed"] == len(ids)
    for item, before in zip(answer.json()["items"], shorts, strict=True):
        assert item["tags"] == sorted({*before["tags"], "hedge", "short"} - {"retail"})
    again = client.post(f"{TAGS}/bulk-assign", json={"lot_ids": ids, "add": ["hedge"]})
    assert (again.json()["n_changed"], again.json()["updating"]) == (0, {"operations": [], "stale_from": None})
    stranger = client.post(f"{TAGS}/bulk-assign", json={"lot_ids": [*ids, str(uuid.uuid4())], "add": ["nobody"]})
    assert stranger.status_code == 404
    assert read(client, "/positions", tags="nobody")["items"] == []


def test_suggestions_say_why_and_can_be_taken_as_they_are(own_client: TestClient) -> None:
    client = logged_in(own_client, WEALTHY)
    answer = read(client, "/tags/suggestions")
    AnalyticCollection[models.TagSuggestion].model_validate(answer)
    found = {item["tag"]: item for item in answer["items"]}
    assert {item["rule"] for item in answer["items"]} >= {"sector", "size", "volatility"}
    assert found["information_technology"]["why"] == "The sector of the underlying is Information Technology."
    named = {item["lot_id"]: item for item in read(client, "/positions", limit=500)["items"]}
    nav = read(client, "/portfolio")["nav"]
    large = {lot_id for lot_id, item in named.items() if abs(item["market_value"]) >= 0.05 * nav}
    assert set(found["large_position"]["lot_ids"]) == large
    assert {named[lot_id]["sector"] for lot_id in found["information_technology"]["lot_ids"]} == {"Information Technology"}
    taken = {"lot_ids": found["large_position"]["lot_ids"], "add": ["large_position"]}
    assert client.post(f"{TAGS}/bulk-assign", json=taken).status_code == 200
    assert "large_position" not in {item["tag"] for item in read(client, "/tags/suggestions")["items"]}


def test_a_structure_without_a_strategy_is_suggested_as_one(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    exits = {"exit_date": "2022-12-20", "exit_price": 60}
    assert client.post(POSITIONS, json=KO | {"symbol": "PG", "quantity": 400, "tags": []}).status_code == 201
    call = KO | {"symbol": "PG230120C00150000", "quantity": -4, "entry_price": 3, "tags": []}
    assert client.post(POSITIONS, json=call).status_code == 201
    assert client.post(POSITIONS, json=KO | {"symbol": "PG", "quantity": 400} | exits).status_code == 201
    suggested = [item for item in read(client, "/tags/suggestions")["items"] if item["rule"] == "option_structure"]
    assert [(item["tag"], item["why"]) for item in suggested if "PG" in item["why"]] == [
        ("strategy:covered_call_pg", "Together they are a covered call on PG.")
    ]


def test_flows_are_added_and_deleted(own_client: TestClient) -> None:
    client = logged_in(own_client, HEDGE_FUND)
    path = f"/api/v1/portfolios/{OWN}/flows"
    answer = client.post(path, json={"date": "2022-12-27", "amount": "-2500.25", "note": " rent "})
    assert answer.status_code == 201, answer.text
    models.WrittenEntry.model_validate(answer.json())
    assert answer.json()["stale_from"] == "2022-01-03"
    (flow,) = client.get(path).json()["items"]
    assert (flow["amount"], flow["note"], flow["date"]) == (-2500.25, "rent", "2022-12-27")
    assert last_activity(client) == ("flow.create", f"flow:{flow['id']}")
    assert client.post(path, json={"date": "2022-12-27", "amount": 0}).json()["errors"][0]["code"] == "zero_amount"
    assert client.delete(f"{path}/{flow['id']}").status_code == 200
    assert client.delete(f"{path}/{flow['id']}").status_code == 404
    assert client.get(path).json()["items"] == []


def test_marks_are_added_corrected_and_deleted(own_client: TestClient) -> None:
    client = logged_in(own_client, WEALTHY)
    portfolio = read(client, "/portfolios")["items"][0]["id"]
    path = f"/api/v1/portfolios/{portfolio}/appraisals"
    mark = {"symbol": "home_equity", "date": "2022-12-23", "price_per_unit": 315000}
    made = client.post(path, json=mark)
    assert (made.status_code, made.json()["stale_from"]) == (201, "2022-12-23")
    corrected = client.post(path, json=mark | {"price_per_unit": 316000})
    assert (corrected.status_code, corrected.json()["id"]) == (200, made.json()["id"])
    same = client.post(path, json=mark | {"price_per_unit": 316000})
    assert (same.status_code, same.json()["stale_from"]) == (200, None)
    refused = client.post(path, json=mark | {"symbol": "AAPL"})
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")
    assert client.delete(f"{path}/{made.json()['id']}").json()["stale_from"] == "2022-12-23"
    assert client.delete(f"{path}/{made.json()['id']}").status_code == 404
