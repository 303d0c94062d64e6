"""The command line from an own CSV to its report, with a process killed on the way: two sessions of the embedded data."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import uuid
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.lineage import LINEAGE, MARKET
from sigmasight_assets.store.tables import ledger_changes, materializations, portfolio_snapshots, prices
from tests.support.command_line import CommandLine, Result

LOTS = (
    "Symbol,Qty,Price,Trade Date,Tags,Exit Date,Exit Price,Broker",
    'AAPL,10,72.00,2019-12-31,"core,tech",,,X',
    "msft,-5,158.00,2020-01-02,short,,,X",
    "KO,20,54.00,2019-12-31,,2020-01-03,54.50,X",
    "XXXX,1,5,2020-01-02,,,,X",
)
FIRST, LAST = "2020-01-02", "2020-01-03"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A portfolio, and a run that was killed in its midst."""
    cli = CommandLine(tmp_path_factory.mktemp("cli"), SIGMASIGHT_BOOK_START=FIRST)
    assert cli("db", "upgrade").code == 0
    assert cli("user", "add", "ann@example.com").code == 0
    file = cli.file("lots.csv", *LOTS)
    assert (
        cli("import", file, "--portfolio", "My Book", "--owner", "ann@example.com", "--cash", "-100.50", "--as-of", "2020-01-05").code == 0
    )
    killed = end_when(cli, "prices: 3 sessions done", signal.SIGKILL, "run", "--from", FIRST, "--to", LAST)
    assert killed.code == -signal.SIGKILL
    return cli


def end_when(cli: CommandLine, line: str, how: signal.Signals, *arguments: str) -> Result:
    """Start a command and send its process a signal when it has printed a line."""
    child = subprocess.Popen(
        cli.command(*arguments), env=cli.child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for printed in child.stdout:
        if line in printed:
            child.send_signal(how)
            break
    out, err = child.communicate()
    return Result(child.returncode, out, err)


@pytest.fixture(scope="module")
def ran(cli: CommandLine) -> Result:
    """The same command again."""
    return cli.in_child("run", "--from", FIRST, "--to", LAST)


def frame(cli: CommandLine, table: object) -> pd.DataFrame:
    database = Database(f"sqlite:///{cli.state / 'sigmasight.db'}")
    rows = database.frame(select(table))  # type: ignore[call-overload]
    database.dispose()
    return rows


def test_killed_run_is_marked_and_the_same_command_goes_on(ran: Result) -> None:
    assert ran.code == 0
    assert "had lost its process and is marked as failed" in ran.err
    # 2019-12-31 has prices but no yields yet: it is run again
    assert "Materializing 3 market sessions (2019-12-31 … 2020-01-03) and 2 book sessions (2020-01-02 … 2020-01-03)." in ran.out


def test_run_tells_every_table_once_and_summarises(ran: Result) -> None:
    told = [line.split(":")[0].strip() for line in ran.out.splitlines() if line.endswith("done")]
    assert sorted(told) == sorted(LINEAGE)
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines() if line.strip()}
    assert rows["prices"][0] == "96"  # 32 symbols on three sessions
    assert rows["portfolio_snapshots"][0] == "2"
    assert rows["status"] == ["partial"]
    assert "Dagster itself" in ran.out.splitlines()[-1]


def test_values_are_those_of_the_file_and_the_closes(cli: CommandLine, ran: Result) -> None:
    # the stated Sunday is Friday's cash; XXXX has no price; P&L of the year from the entries on
    assert ran.code == 0
    last = frame(cli, portfolio_snapshots).sort_values("session").iloc[-1]
    closes = frame(cli, prices)
    close = closes[closes["session"] == last["session"]].set_index("symbol")["close"]
    assert last["cash"] == -100.5
    assert last["nav"] == pytest.approx(-100.5 + 10 * close["AAPL"] - 5 * close["MSFT"])
    assert last["realized_pnl"] == pytest.approx(20 * 0.5)
    assert (last["n_positions"], last["n_missing"], last["reason"]) == (3, 1, "missing_prices")


def test_report_is_written_by_slug_name_and_id(cli: CommandLine, ran: Result) -> None:
    assert ran.code == 0
    done = cli("report", "my-book")
    paths = [Path(line) for line in done.out.splitlines()]
    folder = cli.reports / f"my-book_{LAST}"
    names = (f"my-book_report_{LAST}.md", f"my-book_data_{LAST}.json", f"my-book_positions_{LAST}.csv", f"my-book_report_{LAST}.html")
    assert paths == [folder / name for name in names]
    data = json.loads(paths[1].read_text())
    assert data["portfolio"]["slug"] == "my-book"
    assert "| Net asset value" in paths[0].read_text()
    assert len(pd.read_csv(paths[2])) == 4
    portfolio = uuid.UUID(str(frame(cli, portfolio_snapshots)["portfolio_id"].iloc[0]))
    one = cli("report", str(portfolio), "--session", FIRST, "--format", "json")
    assert one.out.splitlines() == [str(cli.reports / f"my-book_{FIRST}" / f"my-book_data_{FIRST}.json")]
    module = cli.module("sigmasight_assets.reports", "My Book", "--format", "md,json")
    assert (module.code, len(module.out.splitlines())) == (0, 2)


def test_full_run_covers_the_ledgers_changes_and_nothing_is_stale(cli: CommandLine, ran: Result) -> None:
    assert ran.code == 0
    assert frame(cli, ledger_changes)["processed_at"].notna().all()
    assert cli("stale").out == "Nothing is stale.\n"


def test_later_flow_makes_stale_what_it_affects_and_only_that(cli: CommandLine, ran: Result) -> None:
    assert ran.code == 0
    before = frame(cli, materializations)
    cli("import-flows", cli.file("flows.csv", "date,amount", "2020-01-03,500"), "--portfolio", "my-book")  # it moves C0
    shown = cli("stale")
    assert shown.code == 0
    stale = [line.split()[0] for line in shown.out.splitlines() if line.split()[1:2] in (["ledger.book"], ["portfolio_snapshots"])]
    assert set(stale) >= {"opening_cash", "position_values", "portfolio_snapshots", "portfolio_reports"}
    assert not set(stale) & {*MARKET, "factor_betas", "option_greeks", "scenario_shocks"}
    assert "sigmasight run --stale" in shown.out
    assert len(frame(cli, materializations)) == len(before)


def test_interrupted_run_ends_with_code_130_and_one_sentence(cli: CommandLine, ran: Result) -> None:
    assert ran.code == 0
    done = end_when(cli, "prices: 1 session done", signal.SIGINT, "run", "--from", LAST)
    assert done.code == 130
    assert done.err.splitlines()[-1] == "error: interrupted: what was committed is kept, and the same command goes on from there."
    assert "Traceback" not in done.err


def test_terminal_is_asked_before_lots_are_replaced(cli: CommandLine, ran: Result) -> None:
    assert ran.code == 0
    file = cli.file("fewer.csv", *LOTS[:2])
    arguments = ("import", file, "--portfolio", "my-book", "--owner", "ann@example.com", "--mode", "replace")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(cli.command(*arguments), env=cli.child_environment(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"n\n")
    shown = b""
    while chunk := read_some(ours):
        shown += chunk
    os.close(ours)
    assert child.wait(timeout=60) == 1
    assert b"Replace the portfolio's lots?" in shown
    assert b"cancelled: nothing was changed." in shown
    assert "3 removed" in cli("import", file, *arguments[2:], "--dry-run").out


def read_some(terminal: int) -> bytes:
    """What a terminal shows next; nothing when its process has ended (Linux says so by an error)."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
