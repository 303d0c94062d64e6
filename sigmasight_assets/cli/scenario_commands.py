"""`sigmasight scenario` and `sigmasight proxy`: what users say about risk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigmasight_assets.cli.console import Exit, fail, out, show_table
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.cli.ledger_commands import parse_amount, parse_date, read_bytes
from sigmasight_assets.ledger.accounts import find_user
from sigmasight_assets.ledger.dated_entries import require_portfolio
from sigmasight_assets.ledger.private_proxies import PrivateProxy, proxies_of, remove_proxy, set_proxy
from sigmasight_assets.ledger.user_scenarios import add_scenarios, remove_scenario, user_scenarios_of
from sigmasight_assets.scenarios.definition import Scenario
from sigmasight_assets.scenarios.parse import parse_file
from sigmasight_assets.scenarios.shipped import shipped_scenarios

scenarios = typer.Typer()
proxies = typer.Typer()
PortfolioOption = Annotated[str, typer.Option(help="Slug, name or UUID")]


@scenarios.command("add")
def scenario_add(
    file: Annotated[Path, typer.Argument(help="YAML of scenarios, in the form of the shipped file (docs/stress-and-var.md)")],
    owner: Annotated[str, typer.Option(help="E-mail address of the owner")],
    first: Annotated[str | None, typer.Option("--from", help="First session with results (default: the last of the data)")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the owner's scenarios of the same ids")] = False,
) -> None:
    """Add your own scenarios. The same file twice changes nothing."""
    desk = open_desk()
    session = desk.calendar.roll_forward(parse_date(first, "--from")) if first else desk.last_session
    content = parse_file(read_bytes(file), file.name)
    if content.severity_bands is not None:
        raise fail(f"{file.name} was refused: severity_bands are the deployment's; remove them from the file.", Exit.REFUSED)
    with desk.database.write() as connection:
        done = add_scenarios(connection, find_user(connection, owner), content.scenarios, session, replace=replace)
    if not done.added and not done.changed:
        out.print(f"All {len(done.unchanged)} scenarios of {file.name} are there already: nothing was changed.")
        return
    out.print(
        f"{len(done.added)} scenarios added, {len(done.changed)} replaced, {len(done.unchanged)} unchanged. "
        f"Compute their results with: sigmasight run --from {session} --to {desk.last_session}"
    )


@scenarios.command("list")
def scenario_list(
    owner: Annotated[str | None, typer.Option(help="E-mail address: list this user's own too")] = None,
) -> None:
    """List scenarios: what each states, and whose it is."""
    own = []
    if owner is not None:
        with open_desk().database.read() as connection:
            own = user_scenarios_of(connection, find_user(connection, owner))
    for scenario in shipped_scenarios():
        out.print(_described(scenario), markup=False)
    for one in own:
        out.print(f"{_described(one.scenario)} (your own, from {one.first_session})", markup=False)


@scenarios.command("remove")
def scenario_remove(
    scenario_id: Annotated[str, typer.Argument(help="Id of the scenario")],
    owner: Annotated[str, typer.Option(help="E-mail address of the owner")],
) -> None:
    """Remove one of your scenarios; its results go with the next run."""
    desk = open_desk()
    with desk.database.write() as connection:
        remove_scenario(connection, find_user(connection, owner), scenario_id)
    out.print(f"Removed {scenario_id}. Its stored results go with the next run of their sessions.")


def _described(scenario: Scenario) -> str:
    parts = [f"{factor} {value:+.1%}" for factor, value in scenario.shocks.items()]
    parts += [f"{factor} {value:+.1%} total" for factor, value in scenario.returns.items()]
    parts += [] if scenario.rates_bp is None else [f"rates {scenario.rates_bp:+.0f} bp"]
    parts += [] if scenario.iv_change is None else [f"volatility {scenario.iv_change:+.0%}"]
    parts += [] if scenario.replay is None else [f"replay {scenario.replay[0]} to {scenario.replay[1]}"]
    return f"{scenario.id:<24} {scenario.severity:<9} {scenario.name}: {', '.join(parts)}"


@proxies.command("set")
def proxy_set(
    asset: Annotated[str, typer.Argument(help="The private asset, as the ledger names it")],
    symbol: Annotated[str, typer.Argument(help="The security that it follows")],
    portfolio: PortfolioOption,
    multiple: Annotated[str, typer.Option(help="Times the security's move")] = "1",
) -> None:
    """Let a private asset follow a security in scenarios; without a proxy it is uncovered, and the results say so."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    known = desk.provider.known_symbols()
    if known is not None and symbol not in known:
        raise fail(f"No market data are known for {symbol!r}: a proxy needs a year of prices.", Exit.REFUSED)
    with desk.database.write() as connection:
        changed = set_proxy(connection, PrivateProxy(target.id, asset, symbol, parse_amount(multiple, "--multiple")))
    out.print(
        f"{asset} follows {multiple} x {symbol}." if changed else f"{asset} follows {multiple} x {symbol} already: nothing was changed."
    )


@proxies.command("list")
def proxy_list(portfolio: PortfolioOption) -> None:
    """List what private assets follow."""
    desk = open_desk()
    target = require_portfolio(desk.database, portfolio)
    with desk.database.read() as connection:
        cells = [[one.symbol, one.proxy, f"{one.multiple:f}"] for one in proxies_of(connection, [target.id])]
    show_table(f"Proxies of {target.slug}", ["private asset", "follows", "times"], cells, numeric_from=2)


@proxies.command("remove")
def proxy_remove(asset: Annotated[str, typer.Argument(help="The private asset")], portfolio: PortfolioOption) -> None:
    """Forget what a private asset follows."""
    desk = open_desk()
    with desk.database.write() as connection:
        remove_proxy(connection, require_portfolio(desk.database, portfolio).id, asset)
    out.print(f"{asset} follows nothing: scenarios leave it out.")
