"""`sigmasight demo`: the three demonstration portfolios on the embedded market data, from nothing to reports."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Annotated, Any

import typer
import yaml
from sqlalchemy import func, select

from sigmasight_assets.calculations.freshness import stale_rows
from sigmasight_assets.calculations.planning import Plan
from sigmasight_assets.cli.console import Exit, fail, out, working
from sigmasight_assets.cli.demo_logins import make_logins, tell_logins
from sigmasight_assets.cli.desk import Desk, load_settings, open_desk
from sigmasight_assets.cli.reset import delete_state
from sigmasight_assets.cli.running import run_plan
from sigmasight_assets.cli.summaries import show_outcomes, show_portfolios, show_stored
from sigmasight_assets.errors import NotFound
from sigmasight_assets.ledger.accounts import add_user, find_user
from sigmasight_assets.ledger.csv_flows import read_appraisals
from sigmasight_assets.ledger.csv_lots import read_lots
from sigmasight_assets.ledger.dated_entries import import_appraisals, require_portfolio
from sigmasight_assets.ledger.lot_imports import ImportRequest, import_lots
from sigmasight_assets.sample_data import demo_portfolio_id
from sigmasight_assets.store.lineage import BY_PORTFOLIO, LINEAGE, MARKET, UNDATED
from sigmasight_assets.store.schema import upgrade
from sigmasight_assets.store.tables import materializations

DEMO = resources.files("sigmasight_assets.sample_data").joinpath("demo")


def demo_command(
    reset: Annotated[bool, typer.Option("--reset", help="Delete the embedded database and Dagster's records, then start over")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --reset: delete portfolios that are not the demo's too")] = False,
) -> None:
    """Import the demonstration portfolios, compute their 249 sessions of 2022 and write reports. A second time changes nothing."""
    settings = load_settings()
    if settings.environment == "production":
        raise fail("the demo is refused where SIGMASIGHT_ENVIRONMENT is production.", Exit.REFUSED)
    if settings.provider != "sample":
        raise fail(f"the demo needs the embedded data: SIGMASIGHT_PROVIDER is {settings.provider!r}, expected 'sample'.", Exit.REFUSED)
    start = time.perf_counter()
    if reset:
        delete_state(settings, _slugs(), yes=yes)
    desk = open_desk(needs_tables=False)
    with working("Importing the demonstration portfolios"):
        upgrade(desk.database)
        demo_ids = _import_portfolios(desk)
        logins = make_logins(desk, [portfolio["owner"] for portfolio in _described()["portfolios"]])
    if _is_complete(desk, demo_ids):
        out.print("Everything is computed and nothing is stale: nothing was changed.")
        show_portfolios(desk, desk.last_session)
        show_stored(desk)
    else:
        market = desk.calendar.between(desk.provider.first_session(), desk.last_session)
        plan = Plan(market, [day for day in market if day >= desk.first_book_session])
        out.print(plan.describe())
        outcomes = run_plan(desk, plan)
        for outcome in outcomes:
            if not outcome.success:
                raise fail(f"the run {outcome.run_id} failed at {outcome.error}.", Exit.RUN_FAILED)
        show_portfolios(desk, desk.last_session)
        show_outcomes(outcomes)
    tell_logins(desk, logins)
    _say_where_to_look(desk, time.perf_counter() - start)


def _described() -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load(DEMO.joinpath("portfolios.yaml").read_text(encoding="utf-8"))
    return described


def _slugs() -> set[str]:
    return {portfolio["slug"] for portfolio in _described()["portfolios"]}


def _import_portfolios(desk: Desk) -> list[uuid.UUID]:
    """Make users, portfolios and appraisals what the demo says; the portfolios' ids."""
    described, ids = _described(), []
    as_of: date = described["as_of"]
    for portfolio in described["portfolios"]:
        with desk.database.write() as connection:
            try:
                find_user(connection, portfolio["owner"])
            except NotFound:
                add_user(connection, portfolio["owner"], portfolio["name"])
        file = DEMO.joinpath(f"{portfolio['slug']}.csv")
        lots = read_lots(
            file.read_bytes(), as_of=as_of, today=desk.today, calendar=desk.calendar, known_symbols=desk.provider.known_symbols()
        )
        cash, slug = Decimal(str(portfolio["cash"])), portfolio["slug"]
        request = ImportRequest(portfolio["owner"], portfolio["name"], file.name, "replace", cash, as_of, slug, demo_portfolio_id(slug))
        ids.append(import_lots(desk.database, desk.calendar, request, lots).portfolio.id)
    marks = "\n".join(f"{mark['ticker']},{mark['date']},{mark['price_per_unit']}" for mark in described["appraisals"])
    appraisals = read_appraisals(f"ticker,date,price_per_unit\n{marks}\n".encode(), today=desk.today, calendar=desk.calendar)
    owner = require_portfolio(desk.database, described["appraisals"][0]["portfolio"])
    import_appraisals(desk.database, desk.calendar, owner, appraisals.rows, appraisals.content_hash, "portfolios.yaml")
    return ids


def _is_complete(desk: Desk, portfolio_ids: Sequence[uuid.UUID]) -> bool:
    """Every dated table is stored for all its sessions, for each of these portfolios where it is theirs, and nothing is stale."""
    m = materializations.c
    market = desk.calendar.between(desk.provider.first_session(), desk.last_session)
    n_book = sum(day >= desk.first_book_session for day in market)
    ours = m.portfolio_id.is_(None) | m.portfolio_id.in_(portfolio_ids)
    query = select(m.table_name, func.count().label("n")).where(ours, m.session <= desk.last_session).group_by(m.table_name)
    stored = {row["table_name"]: row["n"] for row in desk.database.frame(query).to_dict("records")}
    for table in (name for name in LINEAGE if name not in UNDATED):
        n_sessions = len(market) if table in MARKET else n_book
        if stored.get(table, 0) < n_sessions * (len(portfolio_ids) if table in BY_PORTFOLIO else 1):
            return False
    return stale_rows(desk.database, desk.calendar, desk.provider).empty


def _say_where_to_look(desk: Desk, seconds: float) -> None:
    out.print(f"\nDone in {seconds:.1f} s. Where to look next:")
    for folder in sorted(desk.settings.reports_dir.glob(f"*_{desk.last_session}")):
        out.print(f"  {folder}/")
    out.print("  make up                      the API on http://127.0.0.1:8000/docs and the Dagster UI on http://127.0.0.1:3000")
    out.print("  sigmasight --help            import your own portfolio, run sessions, write reports")
    out.print("  docs/worked-example.md       the demo's figures by hand")
