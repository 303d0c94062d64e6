"""Answers about portfolios: their heads, and the series of their snapshots."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from sigmasight_api.answers import OfPortfolio, Paged
from sigmasight_api.models.base import AnalyticCollection, Body, Document, Meta, Page, model_of
from sigmasight_api.models.decimals import Exact
from sigmasight_assets.store.tables import appraisals, flows, pnl_attribution, portfolio_snapshots, portfolios, risk_metrics
from sigmasight_assets.store.tables.portfolio import EXPOSURE_FAMILIES

HEAD = ("id", "slug", "name", "currency", "cash_balance", "cash_as_of", "created_at")
SIDES = ("long", "short", "gross", "net")
EXPOSURE_COLUMNS = ("session", *(f"{family}_{side}{kind}" for family in EXPOSURE_FAMILIES for kind in ("", "_share") for side in SIDES))
DAY = (
    "session", "portfolio_id", "nav", "nav_previous", "pnl", "pnl_long", "pnl_short", "dividends", "flows", "coverage_change",
    "daily_return", "year_pnl", "unrealized_pnl", "realized_pnl", "coverage", "status", "reason",
)  # fmt: skip
"""Columns of the snapshot that performance gives of its last session."""
SERIES = ("session", "nav", "pnl", "daily_return", "flows", "coverage_change", "coverage", "status", "reason")
RATIOS = tuple(
    column.name
    for column in risk_metrics.columns
    if column.name.startswith(("volatility_", "sharpe_", "sortino_", "max_drawdown_", "n_obs_", "return_", "position_"))
)
"""Columns of `risk_metrics` on past returns."""
EXPLAINED = tuple(str(column.name) for column in pnl_attribution.columns if column.name.startswith("explain_"))
BY_FACTOR = tuple(
    str(column.name) for column in pnl_attribution.columns if column.name.startswith("factor_") and column.info["unit"] == "USD"
)


class Span(OfPortfolio):
    """Which sessions of which portfolio, newest first."""

    from_: Annotated[date | None, Field(alias="from", description="First date of the range", examples=["2022-12-01"])] = None
    to: Annotated[date | None, Field(description="Last date of the range; without it the latest computed session")] = None
    sort: Annotated[Literal["session", "-session"], Field(description="-session: newest first")] = "-session"
    limit: Annotated[int, Field(ge=1, le=500, description="Sessions of the page")] = 50
    offset: Annotated[int, Field(ge=0, le=10_000_000, description="Sessions before it")] = 0

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.from_ is not None and self.last is not None and self.from_ > self.last:
            raise ValueError(f"expected from on or before to, was {self.from_} and {self.last}")
        return self

    @property
    def last(self) -> date | None:
        """The earlier one of `to` and `as_of`."""
        stated = [day for day in (self.to, self.as_of) if day is not None]
        return min(stated) if stated else None

    @property
    def page(self) -> Paged:
        return Paged(limit=self.limit, offset=self.offset)


Portfolio: Any = model_of("Portfolio", "A portfolio as its owner states it.", portfolios, only=HEAD)
PortfolioDocument: Any = model_of(
    "PortfolioDocument", "A portfolio as its owner states it.", portfolios, only=HEAD, meta=(dict[str, Any], ...)
)
ListedPortfolio: Any = model_of(
    "ListedPortfolio",
    "A portfolio with its last snapshot; null where none is computed yet.",
    portfolios,
    only=HEAD,
    n_lots=(int, Field(description="Lots of the ledger, open or not")),
    session=(date | None, Field(description="Session of the last snapshot")),
    nav=(float | None, Field(description="Net asset value [USD]")),
    pnl=(float | None, Field(description="Gain of the day [USD]")),
    daily_return=(float | None, Field(description="Return of the day [decimal]")),
    status=(str | None, Field(description="Of the snapshot")),
    reason=(str | None, Field(description="Why the status is not ok")),
)
PortfolioSummary: Any = model_of(
    "PortfolioSummary",
    "A portfolio and its snapshot of a session, with exposures in three families.",
    portfolio_snapshots,
    base=model_of("StatedPortfolio", "", portfolios, only=("slug", "name", "currency", "cash_balance", "cash_as_of")),
    meta=(Meta, ...),
)
Exposures: Any = model_of(
    "Exposures",
    "Long, short, gross and net exposure of a session, by market value, notional and delta.",
    portfolio_snapshots,
    only=(*EXPOSURE_COLUMNS, "delta_coverage", "status", "reason"),
)
NavPoint: Any = model_of("NavPoint", "A session of the NAV series.", portfolio_snapshots, only=SERIES)


class Series(Document):
    """A page of the NAV series."""

    items: list[NavPoint]  # type: ignore[valid-type]
    page: Page


_day = model_of("PerformanceDay", "", portfolio_snapshots, only=DAY)
Performance: Any = model_of(
    "Performance",
    "Gain of the session and of its year, returns by period, volatility, Sharpe, Sortino, drawdown, and the NAV series.",
    risk_metrics,
    only=RATIOS,
    base=_day,
    optional=True,
    missing=(dict[str, str] | None, Field(description="Metric that is null -> why; null where risk_metrics is not computed")),
    series=(Series, ...),
    meta=(Meta, ...),
    metrics_meta=(Meta | None, Field(description="Of the ratios and returns; null where risk_metrics is not computed for the session")),
)
AttributedDay: Any = model_of(
    "AttributedDay", "Where the gain of a session came from, twice.", pnl_attribution, leave_out=("portfolio_id",)
)
AttributedRange: Any = model_of(
    "AttributedRange",
    "Sums over the range: explain_ terms add up to pnl, and so do factor_ terms.",
    pnl_attribution,
    only=("pnl", *EXPLAINED, *BY_FACTOR),
    n_sessions=(int, Field(description="Sessions of the range")),
    first_session=(date, ...),
    last_session=(date, ...),
    n_unknown=(int, Field(description="Sessions on which a factor's return is unknown: its part is in factor_specific then")),
)


class Attribution(AnalyticCollection[AttributedDay]):  # type: ignore[valid-type]
    """Where gains came from, by session and over the range."""

    totals: AttributedRange  # type: ignore[valid-type]


Flow: Any = model_of("Flow", "Money put in or taken out.", flows, leave_out=("portfolio_id",))
Appraisal: Any = model_of("Appraisal", "The owner's mark of a private asset.", appraisals, leave_out=("portfolio_id",))


class Operation(Document):
    """What brings the numbers up to date after a write."""

    operation: str | None = Field(
        description="The operation that computes them (`/operations/{id}`); null where the write changes no number"
    )
    stale_from: date | None = Field(description="The first session whose numbers are old; null where the write changes no number")


class Updating(Document):
    """What brings the numbers up to date after a write that concerns several books."""

    operations: list[uuid.UUID] = Field(description="One a portfolio concerned (`/operations/{id}`)")
    stale_from: date | None = Field(description="The first session whose numbers are old; null where no portfolio is concerned")


class NewPortfolio(Body):
    """A portfolio to be made; its lots follow."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Second book", "cash_balance": 100000, "cash_as_of": "2022-12-28"}]})

    name: str = Field(min_length=1, max_length=200, description="What to call it")
    slug: str | None = Field(None, min_length=1, max_length=100, description="Name in file names and commands; made of the name")
    cash_balance: Exact = Field(description="Cash at the close of cash_as_of, USD; negative is margin")
    cash_as_of: date = Field(description="Date of the balance; not after the last session that there are prices of")
    currency: Literal["USD"] = Field("USD", description="No other is supported")


class PortfolioChange(Body):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cash_balance": 51000}]})

    name: str | None = Field(None, min_length=1, max_length=200)
    cash_balance: Exact | None = None
    cash_as_of: date | None = None


class ChangedPortfolio(Operation):
    """A portfolio after a write."""

    portfolio: Portfolio  # type: ignore[valid-type]


class DeletedPortfolio(Operation):
    """What is gone."""

    id: uuid.UUID
    n_lots: int = Field(description="Lots that it had")
    deleted_at: datetime
