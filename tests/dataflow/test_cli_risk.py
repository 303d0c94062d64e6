"""`sigmasight scenario` and `sigmasight proxy`: what is said, refused, and made old."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataflow.test_cli import refused
from tests.support.command_line import CommandLine

OWNER = ("--owner", "ann@example.com")
BOOK = ("--portfolio", "my-book")
MINE = (
    "scenarios:",
    "  - {id: mine, name: Mine, category: custom, severity: mild, shocks: {market: -0.1}, iv_change: 0.2}",
    "  - {id: fund, name: A fund, category: custom, severity: mild, returns: {growth: -0.2}, rates_bp: 40}",
)


@pytest.fixture
def cli(tmp_path: Path, sqlite_template: Path) -> CommandLine:
    """An owner with a book of a share and a private asset."""
    cli = CommandLine(tmp_path, sqlite_template)
    assert cli("user", "add", OWNER[1]).code == 0
    file = cli.file(
        "lots.csv",
        "ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price,asset_class",
        "AAPL,100,142.10,2022-03-01,core,,,",
        "LOAN,1,25000,2021-09-15,private,,,private",
    )
    assert cli("import", file, "--portfolio", "My Book", *OWNER, "--cash", "50000", "--as-of", "2022-12-28").code == 0
    return cli


def test_scenarios_are_added_listed_replaced_and_removed(cli: CommandLine) -> None:
    added = cli("scenario", "add", cli.file("mine.yaml", *MINE), *OWNER, "--from", "2022-12-24")
    assert added.code == 0
    assert "2 scenarios added, 0 replaced, 0 unchanged." in added.out
    assert "sigmasight run --from 2022-12-27 --to 2022-12-28" in added.out  # the first session from then on
    listed = cli("scenario", "list", *OWNER).out
    assert "market_crash_35" in listed
    assert "Mine: market -10.0%, volatility +20% (your own, from 2022-12-27)" in listed
    assert "A fund: growth -20.0% total, rates +40 bp (your own, from 2022-12-27)" in listed
    assert "your own" not in cli("scenario", "list").out
    again = cli("scenario", "add", cli.file("mine.yaml", *MINE), *OWNER)
    assert "All 2 scenarios of mine.yaml are there already: nothing was changed." in again.out
    other = cli.file("other.yaml", *MINE[:1], MINE[1].replace("-0.1", "-0.16"))
    assert "replace them with --replace" in refused(cli("scenario", "add", other, *OWNER))
    assert "0 scenarios added, 1 replaced" in cli("scenario", "add", other, *OWNER, "--replace").out
    assert cli("scenario", "remove", "mine", *OWNER).code == 0
    assert "market -16.0%" not in cli("scenario", "list", *OWNER).out
    assert "own scenarios: fund" in refused(cli("scenario", "remove", "mine", *OWNER))


def test_a_faulty_file_is_refused_with_every_fault(cli: CommandLine) -> None:
    wrong = cli.file(
        "wrong.yaml", *MINE, "  - {id: mine, name: Twice, category: custom, severity: grave, shocks: {oil: 0.1, market: -35}, fee: 2}"
    )
    said = refused(cli("scenario", "add", wrong, *OWNER))
    assert "4 faults" in said
    for place in ("mine, field severity", "mine, field shocks.oil", "mine, field shocks.market", "mine, field fee"):
        assert f"scenario {place}: " in said
    assert "your own" not in cli("scenario", "list", *OWNER).out


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((*MINE, "severity_bands: {mild: [0, 0.1], moderate: [0.1, 0.2], severe: [0.2, 0.3], extreme: [0.3, null]}"), "the deployment's"),
        (("scenarios:", MINE[1].replace("id: mine", "id: market_crash_35")), "belong to shipped scenarios: market_crash_35"),
        (("scenarios: [",), "not valid YAML"),
        (("- 1",), "a mapping with a list `scenarios`"),
    ],
)
def test_what_a_file_may_not_say(cli: CommandLine, lines: tuple[str, ...], message: str) -> None:
    assert message in refused(cli("scenario", "add", cli.file("wrong.yaml", *lines), *OWNER))


def test_an_owner_and_a_file_must_exist(cli: CommandLine) -> None:
    refused(cli("scenario", "add", cli.file("mine.yaml", *MINE), "--owner", "eve@example.com"))
    refused(cli("scenario", "add", str(cli.folder / "none.yaml"), *OWNER))
    refused(cli("scenario", "add", cli.file("mine.yaml", *MINE), *OWNER, "--from", "tomorrow"))


def test_a_private_asset_follows_a_security(cli: CommandLine) -> None:
    done = cli("proxy", "set", "LOAN", "SP500", *BOOK, "--multiple", "0.5")
    assert (done.code, done.out.strip()) == (0, "LOAN follows 0.5 x SP500.")
    assert "already: nothing was changed" in cli("proxy", "set", "LOAN", "SP500", *BOOK, "--multiple", "0.5").out
    listed = cli("proxy", "list", *BOOK).out
    assert all(word in listed for word in ("LOAN", "SP500", "0.5"))
    assert "leave it out" in cli("proxy", "remove", "LOAN", *BOOK).out
    assert "has no proxy" in refused(cli("proxy", "remove", "LOAN", *BOOK))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("AAPL", "SP500"), "no private asset 'AAPL' (it has: LOAN)"),
        (("LOAN", "NOBODY"), "No market data are known for 'NOBODY'"),
        (("LOAN", "SP500", "--multiple", "0"), "not 0"),
        (("LOAN", "SP500", "--multiple", "11"), "±10"),
        (("LOAN", "SP500", "--multiple", "much"), "--multiple"),
    ],
)
def test_what_a_proxy_may_not_be(cli: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    assert message in refused(cli("proxy", "set", *arguments, *BOOK))
