"""Greeks, components of value at risk, exceptions and the grid say what tables and report say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sigmasight_api import greeks
from sigmasight_assets.store.tables import market_scenarios, position_values, risk_metrics, var_exceptions
from tests.api.conftest import HEDGE_FUND, WEALTHY, ClientFor
from tests.api.risk_paths import PREFIX, report_groups, stored

GREEKS = ("delta_dollars", "gamma_dollars_per_pct", "theta_per_day", "vega_per_volpt", "rho_per_pct")


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_greeks_are_those_of_the_report(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer, group = client.get(f"{PREFIX}/risk/greeks").json(), report_groups(client, email)["option_greeks"]
    assert {name: answer["portfolio"][name] for name in GREEKS} == {name: group["metrics"][name] for name in GREEKS}
    assert (answer["meta"]["status"], answer["meta"]["coverage"]) == (group["status"], group["coverage"])
    for by, key in (("by_underlying", "underlying"), ("by_expiry", "expiry")):
        shown = [{**{name: row[name] for name in (key, *GREEKS)}, "n_lots": row["lots"]} for row in group["tables"][by]]
        given = [{name: row[name] for name in (key, *GREEKS, "n_lots")} for row in answer[by]]
        assert [row[key] for row in given] == [row[key] for row in shown]
        for one, other in zip(given, shown, strict=True):
            numbers = ({name: row[name] for name in (*GREEKS, "n_lots")} for row in (one, other))
            assert next(numbers) == pytest.approx(next(numbers), rel=1e-13), one[key]


def test_a_sum_with_a_missing_part_is_missing_and_the_lot_is_named() -> None:
    lots = [_option("A", "2023-03-17", 5.0), _option("A", "2023-06-16", None), _option("B", None, 7.0)]
    (a, b) = sorted(greeks.by_underlying(lots), key=lambda row: str(row["underlying"]))
    assert (a["delta_dollars"], a["n_lots"], a["n_missing"], b["delta_dollars"]) == (None, 2, 1, 7.0)
    assert [(row["expiry"], row["delta_dollars"]) for row in greeks.by_expiry(lots)] == [
        (date(2023, 1, 20), 7.0),  # no row in the table of series: as its symbol states it
        (date(2023, 3, 17), 5.0),
        (date(2023, 6, 16), None),
    ]
    assert greeks.without_delta(lots) == [{"lot_id": 1, "symbol": "A230120C00050000", "reason": "no_quote"}]


def _option(underlying: str, expiry: str | None, delta: float | None) -> dict[str, Any]:
    found = None if expiry is None else date.fromisoformat(expiry)
    lot = {"lot_id": 1, "symbol": f"{underlying}230120C00050000", "asset_class": "option", "underlying": underlying, "expiry": found}
    return lot | dict.fromkeys(GREEKS, delta) | {"status": "ok", "reason": None if delta else "no_quote"}


def test_options_add_up_to_the_book(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    answer = client.get(f"{PREFIX}/risk/greeks").json()
    for name in GREEKS[1:]:  # shares have a delta alone
        for by in ("by_underlying", "by_expiry"):
            assert sum(row[name] for row in answer[by]) == pytest.approx(answer["portfolio"][name], rel=1e-12)
    held = [row for row in stored(client, position_values, HEDGE_FUND) if row["event"] is None]
    for row in answer["by_underlying"]:
        mine = [lot["delta_dollars"] for lot in held if lot["underlying"] == row["underlying"]]
        assert row["delta_dollars_net"] == pytest.approx(sum(mine), rel=1e-12)
    assert answer["missing"] == []


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_components_are_the_packed_ones_and_add_up(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer = client.get(f"{PREFIX}/risk/metrics").json()
    (row,) = stored(client, risk_metrics, email)
    symbols = {str(lot["lot_id"]): lot["symbol"] for lot in stored(client, position_values, email)}
    assert [one["lot_id"].replace("-", "") for one in answer["components"]] == row["lot_ids"]
    assert all(one["symbol"] == symbols[one["lot_id"]] for one in answer["components"])
    for name in ("var_95", "es_95", "var_99", "es_99", "parametric_var_95"):
        parts = [one[name] for one in answer["components"]]
        assert parts == [None if value != value else value for value in row[f"{name}_components"]], name
        assert sum(part for part in parts if part is not None) == pytest.approx(answer[name], rel=1e-9), name
    assert answer["missing"] == row["missing"]


def test_exceptions_are_those_of_the_table_and_the_report(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    answer = client.get(f"{PREFIX}/risk/metrics").json()["exceptions"]
    assert [one["level"] for one in answer] == ["95", "99"]
    shown = report_groups(client, HEDGE_FUND)["risk_metrics"]["tables"]["exceptions"]
    for given, of_report in zip(answer, shown, strict=True):
        (row,) = stored(client, var_exceptions, HEDGE_FUND, level=given["level"])
        assert given == {name: row[name] for name in given}
        assert of_report == {name: given[name] for name in of_report}


def test_the_grid_is_that_of_the_table_and_the_report(as_user: ClientFor) -> None:
    client = as_user(WEALTHY)
    answer = client.get(f"{PREFIX}/risk/scenarios").json()
    rows = {row["scenario_id"]: row for row in stored(client, market_scenarios, WEALTHY)}
    assert answer["page"]["total"] == len(rows) == 16
    for item in answer["items"]:
        assert item == {name: rows[item["scenario_id"]][name] for name in item}
    group = report_groups(client, WEALTHY)["market_scenarios"]
    shown = [{name: item[name] for name in row} for item, row in zip(answer["items"], group["tables"]["grid"], strict=True)]
    assert shown == group["tables"]["grid"]
    assert answer["meta"]["coverage"] == group["coverage"]


def test_the_grid_is_filtered_and_paged(as_user: ClientFor) -> None:
    client = as_user(WEALTHY)
    rates = client.get(f"{PREFIX}/risk/scenarios", params={"variable": "rates", "limit": 4, "offset": 8}).json()
    assert rates["page"] == {"limit": 4, "offset": 8, "total": 10}
    assert [item["rates_bp"] for item in rates["items"]] == [200.0, 300.0]
    assert client.get(f"{PREFIX}/risk/scenarios", params={"variable": "oil"}).status_code == 422
