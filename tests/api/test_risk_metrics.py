"""`/risk/metrics` gives the row of the table, to its owner."""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import select

from sigmasight_api.models.risk import COMPONENTS
from sigmasight_assets.store.tables import portfolios, risk_metrics
from tests.api.conftest import INDIVIDUAL, NOBODY, WEALTHY, ClientFor

LEFT_OUT = {"lot_ids", *COMPONENTS, "positions_key", "missing"}


def test_the_answer_is_the_row_of_the_table(as_user: ClientFor) -> None:
    client = as_user(INDIVIDUAL)
    answer = client.get("/api/v1/risk/metrics").json()
    with client.app.state.service.database.read() as connection:
        query = select(risk_metrics).join(portfolios, portfolios.c.id == risk_metrics.c.portfolio_id)
        query = query.where(portfolios.c.slug == "balanced-individual-investor").order_by(risk_metrics.c.session.desc())
        row = connection.execute(query).mappings().first()
    for name, value in row.items():
        if name not in LEFT_OUT:
            assert answer[name] == (str(value) if isinstance(value, (date, uuid.UUID)) else value), name
    assert answer["meta"]["as_of"] == "2022-12-28"
    assert not answer["meta"]["stale"]


def test_another_users_portfolio_does_not_exist(as_user: ClientFor) -> None:
    own = as_user(INDIVIDUAL).get("/api/v1/risk/metrics").json()["portfolio_id"]
    assert as_user(WEALTHY).get(f"/api/v1/risk/metrics?portfolio_id={own}").status_code == 404
    assert as_user(NOBODY).get("/api/v1/risk/metrics").status_code == 404
