"""Factor exposures and definitions say what tables and report say, under both their names."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.store.tables import factor_betas, factor_exposures, factor_loadings, factor_returns, portfolio_factor_risk
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor
from tests.api.risk_paths import PREFIX, SLUGS, portfolio_id, report_groups, stored, url
from tests.dataflow.risk_demo import LAST


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_exposures_are_those_of_the_tables_and_the_report(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    answer, group = client.get(f"{PREFIX}/risk/factors").json(), report_groups(client, email)["factor_exposures"]
    assert [row["factor"] for row in answer["factors"]] == list(MODEL_FACTORS)
    for row in answer["factors"]:
        (kept,) = stored(client, factor_exposures, email, factor=row["factor"])
        assert row == {name: kept[name] for name in row}
    (risk,) = stored(client, portfolio_factor_risk, email)
    assert answer["book"] == {name: risk[name] for name in answer["book"]}
    assert {name: answer["book"][name] for name in group["metrics"]} == group["metrics"]
    assert answer["meta"]["coverage"] == group["coverage"]
    for row, shown in zip(answer["factors"], group["tables"]["exposures"], strict=True):
        assert {name: row[name] for name in shown if name != "percentile"} == {k: v for k, v in shown.items() if k != "percentile"}


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_both_names_give_the_same_rows(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    for path, other in (("/risk/factors", ""), ("/risk/factors/positions", "/positions")):
        same = url(client, f"/factors/exposures/{{portfolio_id}}{other}", email)
        assert client.get(PREFIX + path).json() == client.get(same).json()


@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_lots_are_the_packed_ones_with_the_fits_of_their_underlyings(as_user: ClientFor, email: str) -> None:
    client = as_user(email)
    items = client.get(f"{PREFIX}/risk/factors/positions", params={"limit": 500}).json()["items"]
    (row,) = stored(client, portfolio_factor_risk, email)
    assert [item["lot_id"] for item in items] == row["lot_ids"]
    for i, item in enumerate(items):
        assert item["delta_dollars"] == row["delta_dollars"][i]
        assert item["volatility_contribution"] == row["volatility_contributions"][i]
        assert (item["uncovered_reason"], item["is_covered"]) == (row["uncovered_reasons"][i], row["uncovered_reasons"][i] is None)
        assert [one["dollars"] for one in item["factors"]] == row["dollars"][i]
        assert [one["std_error_dollars"] for one in item["factors"]] == row["std_errors"][i]
        for one in item["factors"]:
            if item["is_covered"]:
                assert one["dollars"] == pytest.approx(one["beta"] * item["delta_dollars"], rel=1e-12, abs=1e-9)
                assert one["std_error_dollars"] == pytest.approx(one["std_error"] * abs(item["delta_dollars"]), rel=1e-12, abs=1e-9)
            else:
                assert (one["dollars"], one["beta"]) == (None, None)  # never a beta of 0 or 1
    contributions = [item["volatility_contribution"] for item in items if item["volatility_contribution"] is not None]
    assert sum(contributions) == pytest.approx(row["predicted_volatility_dollars"], rel=1e-9)


def test_fits_are_those_of_the_table(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    items = client.get(f"{PREFIX}/risk/factors/positions", params={"underlying": "AAPL"}).json()["items"]
    assert {item["underlying"] for item in items} == {"AAPL"}
    assert len(items) == 2  # the shares and the calls on them
    with client.app.state.service.database.read() as connection:
        query = select(factor_betas).where(factor_betas.c.session == LAST, factor_betas.c.symbol == "AAPL")
        fits = {row["factor"]: row for row in connection.execute(query).mappings()}
    for one in items[0]["factors"]:
        names = ("beta", "std_error", "t_stat", "r_squared", "n_obs", "quality", "flags")
        assert {name: one[name] for name in names} == {name: fits[one["factor"]][name] for name in names}


def test_lots_are_filtered_sorted_and_paged(as_user: ClientFor) -> None:
    client, place = as_user(WEALTHY), f"{PREFIX}/risk/factors/positions"
    uncovered = client.get(place, params={"is_covered": False, "sort": "-uncovered_dollars"}).json()
    sizes = [item["uncovered_dollars"] for item in uncovered["items"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {item["uncovered_reason"] for item in uncovered["items"]} == {"private_asset"}
    covered = client.get(place, params={"is_covered": True, "limit": 1}).json()
    (row,) = stored(client, portfolio_factor_risk, WEALTHY)
    assert covered["page"]["total"] == row["n_covered"] == row["n_positions"] - uncovered["page"]["total"]
    by_size = client.get(place, params={"sort": "-volatility_contribution"}).json()["items"]
    assert [item["volatility_contribution"] for item in by_size][-uncovered["page"]["total"] :] == [None] * len(sizes)  # missing last
    refused = client.get(place, params={"sort": "nav"})
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["query", "sort"])


def test_definitions_are_the_series_and_loadings_of_the_tables(as_user: ClientFor) -> None:
    client = as_user(NOBODY)
    answer = client.get(f"{PREFIX}/factors/definitions").json()
    with client.app.state.service.database.read() as connection:
        series = {
            row["series"]: row for row in connection.execute(select(factor_returns).where(factor_returns.c.session == LAST)).mappings()
        }
        loadings = {
            row["factor"]: row for row in connection.execute(select(factor_loadings).where(factor_loadings.c.session == LAST)).mappings()
        }
    assert [one["factor"] for one in answer["factors"]] == list(MODEL_FACTORS)
    for one in answer["factors"][: len(FACTORS)]:
        kept = series[one["factor"]]
        assert (one["symbol"], one["etf"], one["is_stand_in"], one["members"]) == tuple(
            kept[name] for name in ("symbol", "etf", "is_stand_in", "members")
        )
        assert one["loadings"] == {name: loadings[one["factor"]][name] for name in one["loadings"]}
        assert one["is_in_risk"]
    assert [one["etf"] for one in answer["factors"][: len(FACTORS)]] == ["SPY", "VTV", "VUG", "MTUM", "QUAL", "SIZE", "USMV"]
    assert {one["factor"]: one["residual_to"] for one in answer["factors"]} == {
        "market": [],
        "growth": ["market", "value"],
        "rates": list(FACTORS),
        **{name: ["market"] for name in ("value", "momentum", "quality", "size", "low_volatility")},
    }
    assert answer["condition_number"] == loadings["market"]["condition_number"]
    assert (answer["window"], answer["min_observations"], answer["full_history"]) == (252, 60, 240)


def test_an_id_that_is_none_of_ours_is_refused_or_unknown(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    assert client.get(f"{PREFIX}/factors/exposures/not-an-id").status_code == 422
    assert client.get(f"{PREFIX}/factors/exposures/{portfolio_id(client, SLUGS[WEALTHY])}").status_code == 404
