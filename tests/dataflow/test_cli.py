"""Commands that need no run: users, imports, refusals. Each refusal is one paragraph with an exit code and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import appraisals, flows, lots, portfolios, users
from tests.support.command_line import CommandLine, Result

HEADER = "ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price,asset_class"
NEW = ("--portfolio", "My Book", "--owner", "ann@example.com", "--cash", "50000", "--as-of", "2022-12-28")
OLD = ("--portfolio", "my-book", "--owner", "ann@example.com")


@pytest.fixture
def cli(tmp_path: Path, sqlite_template: Path) -> CommandLine:
    cli = CommandLine(tmp_path, sqlite_template)
    assert cli("user", "add", "ann@example.com").code == 0
    return cli


def count(cli: CommandLine, table: object) -> int:
    database = Database(f"sqlite:///{cli.state / 'sigmasight.db'}")
    with database.read() as connection:
        n = int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]
    database.dispose()
    return n


def refused(result: Result, code: int = 2) -> str:
    """The one paragraph of a refusal."""
    assert result.code == code, result
    assert result.err.startswith("error: ") or "\nerror: " in result.err
    assert "Traceback" not in result.err + result.out
    return result.err.splitlines()[-1]


def test_import_creates_a_portfolio_and_says_what_to_run(cli: CommandLine) -> None:
    file = cli.file("lots.csv", HEADER, "AAPL,100,142.10,2022-03-01,core,,,", "ZZZZ,5,1,2022-03-01,,,,")
    done = cli("import", file, *NEW)
    assert done.code == 0
    assert "Created my-book: 2 lots added, 0 removed, 0 changed, 0 unchanged. Cash 50,000 as of 2022-12-28." in done.out
    assert "sigmasight run --from 2022-01-03 --to 2022-12-28" in done.out
    assert "lots.csv:3: ticker ('ZZZZ') warning unknown_symbol" in done.err
    again = cli("import", file, *OLD)
    assert (again.code, "my-book already has exactly this: nothing was changed." in again.out) == (0, True)


def test_every_fault_is_a_line_with_its_place_and_nothing_is_imported(cli: CommandLine) -> None:
    file = cli.file("lots.csv", HEADER, 'AAPL,0,"$1,000",2022-03-01,,,,', "", "MSFT,5,250,2030-01-01,,,,", "SPY,1,400,2022-03-01,,,,")
    done = cli("import", file, *NEW)
    assert refused(done) == "error: lots.csv was refused: 3 problems, nothing was imported."
    lines = [line for line in done.err.splitlines() if " error " in line]
    assert [line.split(": ")[0] for line in lines] == ["lots.csv:2", "lots.csv:2", "lots.csv:4"]
    assert "entry_price ('$1,000') error currency_sign: " in lines[1]
    assert count(cli, portfolios) == 0


def test_valid_rows_may_be_kept(cli: CommandLine) -> None:
    file = cli.file("lots.csv", HEADER, "AAPL,0,x,2022-03-01,,,,", "SPY,1,400,2022-03-01,,,,")
    done = cli("import", file, *NEW, "--on-error", "keep-valid")
    assert (done.code, count(cli, lots)) == (0, 1)
    assert "1 faulty row was left out" in done.out  # two faults in one row
    broken = cli.file("broken.csv", "name,amount", "x,1")
    assert "refused" in refused(cli("import", broken, *OLD, "--on-error", "keep-valid"))


def test_replacing_shows_the_difference_first_and_a_dry_run_stops_there(cli: CommandLine) -> None:
    cli("import", cli.file("lots.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,,,", "MSFT,5,250,2022-03-01,,,,"), *NEW)
    file = cli.file("new.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,2022-05-18,150,", "SPY,1,400,2022-03-01,,,,")
    dry = cli("import", file, *OLD, "--mode", "replace", "--dry-run", "--cash", "-400")
    assert dry.code == 0
    signs = {line.split()[0]: line.split()[1] for line in dry.out.splitlines() if line.split()[:1] in (["+"], ["-"], ["~"])}
    assert signs == {"+": "SPY", "-": "MSFT", "~": "AAPL"}
    assert "open → 2022-05-18 at 150" in " ".join(dry.out.split())
    assert "1 lot added, 1 removed, 1 changed, 0 unchanged. Cash 50,000 as of 2022-12-28 becomes -400 as of 2022-12-28." in dry.out
    assert dry.out.splitlines()[-1] == "Dry run: nothing was changed."
    assert cli("import", cli.file("lots.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,,,"), *OLD).out.count("nothing was changed") == 1
    done = cli("import", file, *OLD, "--mode", "replace")
    assert done.code == 0
    assert done.out.index("~") < done.out.index("Updated my-book: 1 lot added, 1 removed, 1 changed")


def test_file_without_lots_empties_a_portfolio_only_when_that_is_meant(cli: CommandLine) -> None:
    cli("import", cli.file("lots.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,,,"), *NEW)
    empty = cli.file("empty.csv", HEADER)
    assert "--yes" in refused(cli("import", empty, *OLD, "--mode", "replace"))
    assert count(cli, lots) == 1
    done = cli("import", empty, *OLD, "--mode", "replace", "--yes")
    assert (done.code, count(cli, lots)) == (0, 0)
    assert "empty.csv:1: warning no_rows" in done.err
    assert "has no header line" in cli("import", cli.file("nothing.csv"), *OLD).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--portfolio", "b", "--owner", "bob@example.com", "--cash", "1", "--as-of", "2022-12-28"), "sigmasight user add bob@example.com"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "1", "--as-of", "2022-12-29"), "as of 2022-12-28 or earlier"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "1", "--as-of", "1980-01-01"), "outside the session calendar"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "1", "--as-of", "28.12.2022"), "--as-of: expected a date"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "1", "--as-of", "20221228"), "--as-of: expected a date"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "$5", "--as-of", "2022-12-28"), "currency sign"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "1,000", "--as-of", "2022-12-28"), "thousands separator"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--cash", "nan", "--as-of", "2022-12-28"), "--cash: expected a plain number"),
        (("--portfolio", "b", "--owner", "ann@example.com"), "state its cash balance and the date of it (--cash, --as-of)"),
        (("--portfolio", "[/red]", "--owner", "[bold]"), "There is no user [bold]"),
        (("--portfolio", "b", "--owner", "ann@example.com", "--mode", "merge"), "'merge' is not one of 'add', 'replace'"),
        (("--portfolio", "b"), "Missing option '--owner'. See `sigmasight import --help`."),
    ],
)
def test_import_refuses_with_the_remedy(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    file = cli.file("lots.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,,,")
    assert said in refused(cli("import", file, *arguments))
    assert count(cli, portfolios) == 0


def test_file_that_cannot_be_read_is_named(cli: CommandLine) -> None:
    assert "nowhere.csv cannot be read: No such file" in refused(cli("import", str(cli.folder / "nowhere.csv"), *NEW))
    assert "cannot be read: Is a directory" in refused(cli("import", str(cli.folder), *NEW))
    big = cli.folder / "big.csv"
    big.write_bytes(b"ticker," + b"x" * (10 * 1024 * 1024))
    assert "file_too_large" in cli("import", str(big), *NEW).err


def test_flows_and_appraisals_come_in_once(cli: CommandLine) -> None:
    cli("import", cli.file("lots.csv", HEADER, "FUND,1,285000,2021-07-01,private,,,private"), *NEW)
    money = cli.file("flows.csv", "date,amount,note", "2022-03-05,25000,", "2022-06-01,-100,tax")
    marks = cli.file("marks.csv", "ticker,date,price_per_unit", "FUND,2022-09-30,301200")
    for command, file, table, what in (("import-flows", money, flows, "2 flows"), ("import-appraisals", marks, appraisals, "1 appraisal")):
        assert f"my-book: {what} imported. Compute" in cli(command, file, "--portfolio", "My Book").out
        n = count(cli, table)
        assert "nothing was changed" in cli(command, file, "--portfolio", "my-book").out
        assert count(cli, table) == n == int(what[0])
        assert "There is no portfolio 'nobody'" in refused(cli(command, file, "--portfolio", "nobody"))
        bad = cli.file("bad.csv", "date,ticker", "2022-03-05,FUND")  # no amount, and no price
        assert "bad.csv was refused: 1 problem, nothing was imported." in refused(cli(command, bad, "--portfolio", "my-book"))
    other = cli.file("other.csv", "ticker,date,price_per_unit", "AAPL,2022-09-30,1")
    assert "AAPL: no private asset of my-book (it has FUND)" in refused(cli("import-appraisals", other, "--portfolio", "my-book"))


def test_user_is_added_once(cli: CommandLine) -> None:
    assert "exists already" in refused(cli("user", "add", "Ann@Example.com"))
    assert "expected" in refused(cli("user", "add", "nobody")).lower()
    assert "'king' is not one of" in refused(cli("user", "add", "king@example.com", "--role", "king"))
    assert cli("user", "add", "boss@example.com", "--role", "admin", "--name", "The [Boss]").out == "Added the admin boss@example.com.\n"
    assert count(cli, users) == 2


def test_report_of_nothing_computed_has_exit_code_three_and_a_command_that_works(cli: CommandLine) -> None:
    cli("import", cli.file("lots.csv", HEADER, "AAPL,100,142.1,2022-03-01,core,,,"), *NEW)
    assert "`sigmasight run --from 2022-01-03 --to 2022-12-28`" in refused(cli("report", "my-book"), 3)
    assert "`sigmasight run --from 2022-12-27 --to 2022-12-27`" in refused(cli("report", "my-book", "--session", "2022-12-27"), 3)
    assert "expected 2022-12-23 or 2022-12-27" in refused(cli("report", "my-book", "--session", "2022-12-25"))
    assert "2022-01-03 … 2022-12-28" in refused(cli("report", "my-book", "--session", "2021-12-23"))
    assert "was 'md,pdf'" in refused(cli("report", "my-book", "--format", "md,pdf"))
    assert "There is no portfolio 'nobody'" in refused(cli("report", "nobody"))
    assert cli("stale").out == (
        "Nothing is stale.\nNot computed at all yet: my-book. Compute with: sigmasight run --from 2022-01-03 --to 2022-12-28\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "Missing option '--from'"),
        (("run", "--from", "2022-02-30"), "--from: expected a date that exists"),
        (("run", "--from", "2022-03-02", "--to", "2022-03-01"), "--to (2022-03-01) is before --from (2022-03-02)"),
        (("run", "--from", "2022-12-24", "--to", "2022-12-26"), "the sample data cover 2019-12-31 … 2022-12-28"),
        (("run", "--from", "2023-06-01"), "the sample data cover 2019-12-31 … 2022-12-28"),
        (("run", "--from", "2022-03-01", "--assets", "prices,betas"), "was betas"),
        (("run", "--from", "2021-03-01", "--assets", "position_values"), "they begin on 2022-01-03"),
        (("backfill", "--from", "2022-03-01", "--portfolio", "nobody"), "There is no portfolio 'nobody'"),
        (("nonsense",), "No such command 'nonsense'. See `sigmasight --help`."),
        (("user", "drop"), "No such command 'drop'"),
        (("run", "--frm", "x"), "No such option"),
    ],
)
def test_command_line_that_makes_no_sense_is_refused(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(cli(*arguments))


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("SIGMASIGHT_ENVIRONMENT", "staging", 1, "SIGMASIGHT_ENVIRONMENT: Input should be 'development' or 'production', was 'staging'"),
        ("SIGMASIGHT_BOOK_START", "soon", 1, "SIGMASIGHT_BOOK_START"),
        ("SIGMASIGHT_PROVIDER", "oracle", 1, "SIGMASIGHT_PROVIDER: expected one of"),
        ("SIGMASIGHT_DATABASE_URL", "garbage", 4, "SIGMASIGHT_DATABASE_URL cannot be used"),
        ("SIGMASIGHT_DATABASE_URL", "mysql://u:secret@h/x", 4, "SIGMASIGHT_DATABASE_URL"),
        ("SIGMASIGHT_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x", 4, "The database does not answer"),
    ],
)
def test_settings_that_cannot_be_used_are_named_without_secrets(cli: CommandLine, name: str, value: str, code: int, said: str) -> None:
    cli.environment[name] = value
    message = refused(cli("stale"), code)
    assert said in message
    assert "secret" not in message


def test_database_at_no_revision_names_the_command_that_makes_it(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    assert "run `sigmasight db upgrade`" in refused(cli("user", "add", "ann@example.com"), 4)
    assert "is now at revision" in cli("db", "upgrade").out
    assert "was at this revision already" in cli("db", "upgrade").out
    assert cli("user", "add", "ann@example.com").code == 0


def test_folder_that_cannot_be_made_and_file_that_is_no_database_are_said(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    (cli.state / "sigmasight.db").write_bytes(b"not a database, but long enough to look like a file of one" * 20)
    assert "not a sound SQLite database" in refused(cli("stale"), 4)
    blocked = CommandLine(tmp_path)
    blocked.environment["SIGMASIGHT_STATE_DIR"] = str(tmp_path / "state" / "sigmasight.db" / "below")
    assert "check its folder" in refused(blocked("db", "upgrade"), 4)


def test_demo_is_refused_in_production_and_on_other_data(cli: CommandLine) -> None:
    cli.environment["SIGMASIGHT_ENVIRONMENT"] = "production"
    assert "the demo is refused" in refused(cli("demo"))


def test_help_of_every_command_says_what_its_options_are(cli: CommandLine) -> None:
    commands = {
        "demo": "--reset",
        "import": "--on-error",
        "import-flows": "--portfolio",
        "import-appraisals": "--portfolio",
        "run": "--assets",
    }
    commands |= {"backfill": "--from", "stale": "--limit", "report": "--session", "up": "--port"}
    top = cli()
    assert top.code == 0
    for command, option in commands.items():
        assert command in top.out
        shown = cli(command, "--help")
        assert (shown.code, option in shown.out) == (0, True)
    assert "upgrade" in cli("db").out
    assert cli("--version").out.startswith("sigmasight ")
