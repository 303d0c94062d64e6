"""Correlations by name are the packed ones of the tables."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sigmasight_api.routes.correlations import LEAST_DOLLARS, LEAST_SHARE
from sigmasight_assets.calculations.correlations import DEFAULTS, matrix_of
from sigmasight_assets.engines.factor_names import FACTORS, MODEL_FACTORS
from sigmasight_assets.store.tables import factor_covariance, position_correlations, position_values
from tests.api.conftest import HEDGE_FUND, NOBODY, WEALTHY, ClientFor
from tests.api.risk_paths import PREFIX, report_groups, stored
from tests.dataflow.risk_demo import LAST

MATRIX, METRICS = f"{PREFIX}/risk/correlations/positions/matrix", f"{PREFIX}/risk/correlations/positions/metrics"


def test_the_sizes_are_those_of_the_calculation() -> None:
    assert (DEFAULTS.least_share, DEFAULTS.least_dollars) == (LEAST_SHARE, LEAST_DOLLARS)


@pytest.mark.parametrize("view", ["portfolio", "longs", "shorts"])
@pytest.mark.parametrize("email", [HEDGE_FUND, WEALTHY])
def test_metrics_and_matrix_are_the_row_of_the_view(as_user: ClientFor, email: str, view: str) -> None:
    client = as_user(email)
    metrics, matrix = (client.get(place, params={"view": view}).json() for place in (METRICS, MATRIX))
    (row,) = stored(client, position_correlations, email, view=view)
    for name in ("n_names", "n_obs", "average_correlation", "effective_number", "min_eigenvalue", "concentration", "clusters", "coverage"):
        assert metrics[name] == row[name], name
    names = row["names"]
    assert [one["name"] for one in matrix["names"]] == names
    assert [one["delta_dollars"] for one in matrix["names"]] == row["delta_dollars"]
    whole = matrix_of(len(names), row["correlations"])
    for i, one in enumerate(matrix["names"]):
        assert list(one["correlations"]) == names
        assert [value if value is not None else float("nan") for value in one["correlations"].values()] == pytest.approx(
            whole[i].tolist(), nan_ok=True, abs=0.0
        )


def test_metrics_are_those_of_the_report(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    group = report_groups(client, HEDGE_FUND)["position_correlations"]
    for shown in group["tables"]["views"]:
        answer = client.get(METRICS, params={"view": shown["view"]}).json()
        assert {name: answer[name] for name in shown if name != "reason"} == {k: v for k, v in shown.items() if k != "reason"}


def test_names_are_kept_by_the_size_that_is_stated(as_user: ClientFor) -> None:
    client = as_user(HEDGE_FUND)
    (row,) = stored(client, position_correlations, HEDGE_FUND, view="longs")
    held = [lot for lot in stored(client, position_values, HEDGE_FUND) if lot["event"] is None]
    delta: dict[str, float] = {}
    for lot in held:
        delta[lot["underlying"]] = delta.get(lot["underlying"], 0.0) + lot["delta_dollars"]
    gross = sum(value for value in delta.values() if value > 0.0)
    by_share = [name for name in row["names"] if delta[name] >= 0.08 * gross]
    by_dollars = [name for name in row["names"] if delta[name] >= 400_000.0]
    assert 0 < len(by_dollars) < len(row["names"]) and 0 < len(by_share) < len(row["names"])
    for params, expected in (
        ({"least_share": 0.08}, by_share),
        ({"least_dollars": 400_000}, by_dollars),
        ({"least_share": 0.08, "least_dollars": 400_000}, [name for name in row["names"] if name in {*by_share, *by_dollars}]),
        ({}, row["names"]),
        ({"name": ["AAPL", "MSFT", "NONE"]}, [name for name in row["names"] if name in ("AAPL", "MSFT")]),
    ):
        answer = client.get(MATRIX, params={"view": "longs", **params}).json()
        assert [one["name"] for one in answer["names"]] == expected, params
        assert all(list(one["correlations"]) == expected for one in answer["names"])
    for wrong in ({"least_share": 0.001}, {"least_dollars": 1}, {"view": "both"}):  # smaller names are not stored
        assert client.get(MATRIX, params=wrong).status_code == 422


def test_the_factors_matrices_are_those_of_the_table(as_user: ClientFor) -> None:
    client = as_user(NOBODY)
    answer = client.get(f"{PREFIX}/risk/correlations/factors/matrix").json()
    with client.app.state.service.database.read() as connection:
        row = connection.execute(select(factor_covariance).where(factor_covariance.c.session == LAST)).mappings().one()
    for name, packed in (("etf_returns", row["etf_correlation"]), ("factor_returns", row["correlation"])):
        assert [one["factor"] for one in answer[name]] == list(FACTORS)
        assert [list(one["correlations"].values()) for one in answer[name]] == packed
        assert all(list(one["correlations"]) == list(FACTORS) for one in answer[name])
    assert [one["factor"] for one in answer["covariance"]] == row["factors"] == list(MODEL_FACTORS)
    assert [list(one["covariances"].values()) for one in answer["covariance"]] == row["covariance"]
    assert answer["etf_returns"][0]["etf"] == "SPY"
