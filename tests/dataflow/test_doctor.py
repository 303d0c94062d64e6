"""`sigmasight doctor` and `sigmasight data check`: what is wrong, what to do, and the exit code."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from sigmasight_assets.calculations import materialize
from sigmasight_assets.calculations.health import provider_health, stale_health, stored_health
from sigmasight_assets.sessions import SessionCalendar
from sigmasight_assets.store.database import Database
from tests.support.books import Lot, add_book, workshop
from tests.support.command_line import CommandLine
from tests.support.folders import NOW, provider_of, write

GOOD = "symbol,date,close\nA,2022-03-07,10\nA,2022-03-08,10.5\nA,2022-03-09,11\n"
BAD = GOOD.replace("10.5", "ten")


def test_check_says_what_is_in_a_folder_and_leaves_with_its_verdict(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    folder = str(write(tmp_path / "data", prices_csv=BAD))
    refused = cli("data", "check", folder)
    assert refused.code == 2
    assert "prices.csv:3: close ('ten') error not_a_number: Expected a plain number." in refused.err
    assert "The folder is refused. 1 errors" in refused.out
    write(tmp_path / "data", prices_csv=GOOD)
    warned = cli("data", "check", folder, "--format", "json")
    assert warned.code == 1  # no proxies, no yields
    told = json.loads(warned.out)
    assert (told["verdict"], told["errors"]) == ("warnings", 0)
    one = {"symbol": "A", "first": "2022-03-07", "last": "2022-03-09", "closes": 3, "gaps": 0}
    assert told["coverage"] == [one | {"source": "prices", "price_basis": "adjusted_only"}]
    assert told["proxies"]["market"] == {"symbol": "SPY", "etf": "SPY", "present": False}
    assert {finding["code"] for finding in told["findings"]} == {"proxy_missing", "no_yields"}
    assert cli("data", "check").code == 2  # no folder is named and none is set


def test_doctor_names_everything_that_is_wrong_and_what_to_do(tmp_path: Path, sqlite_template: Path) -> None:
    folder = write(tmp_path / "data", prices_csv=BAD)
    secret = "postgresql://nobody:swordfish@127.0.0.1:1/none"
    settings = {"SIGMASIGHT_PROVIDER": "files", "SIGMASIGHT_DATA_DIR": str(folder), "SIGMASIGHT_PROVIDR": "x"}
    cli = CommandLine(tmp_path, sqlite_template, **settings)
    done = cli.in_child("doctor", "--format", "json")
    assert done.code == 1
    told = json.loads(done.out)
    assert told["verdict"] == "problem"
    found = {(one["area"], one["state"]): one for one in told["diagnoses"]}
    assert found["settings", "warning"]["remedy"] == "Did you mean SIGMASIGHT_PROVIDER?"
    assert "1 errors, first prices.csv:3: close ('ten')" in found["provider", "problem"]["found"]
    assert found["provider", "problem"]["remedy"] == f"sigmasight data check {folder}"
    assert found["database", "ok"]["found"].endswith("MB")
    assert found["staleness", "ok"]["found"] == "Nothing is stale."
    assert found["schedules", "note"]["remedy"] == "sigmasight up"
    unreachable = CommandLine(tmp_path / "other", None, SIGMASIGHT_DATABASE_URL=secret, **settings).in_child("doctor")
    assert unreachable.code == 1
    assert "swordfish" not in unreachable.out + unreachable.err
    assert "The database does not answer" in " ".join(unreachable.out.split())


def test_health_of_what_is_stored(sqlite: Database, calendar: SessionCalendar, tmp_path: Path) -> None:
    # one session of three is stored, one close is in quarantine, a book waits; a session is stale after its close was corrected
    provider = provider_of(write(tmp_path, prices_csv=GOOD.replace(",11\n", ",1100\n")))
    shop = workshop(sqlite, calendar, provider)
    materialize.prices(shop, [date(2022, 3, 8), date(2022, 3, 9)])
    add_book(sqlite, [Lot("A", 1, 10, date(2022, 3, 8))], cash=0, as_of=date(2022, 3, 9))
    materialize.opening_cash(shop)
    first = date(2022, 3, 8)
    found = {(one.area, one.state): one for one in stored_health(sqlite, provider, calendar, first, NOW)}
    assert found["prices", "warning"].remedy.endswith("sigmasight data confirm A --session 2022-03-09")
    assert found["treasury_yields", "note"].found == "Nothing is stored yet."
    assert found["ledger", "note"].remedy.startswith("sigmasight run --from 2022-03-08 --to 2022-03-09")
    missing = [one for one in stored_health(sqlite, provider, calendar, first, NOW) if "not stored" in one.found]
    assert [one.found for one in missing] == ["1 sessions of the data are not stored, first 2022-03-07."]
    assert stale_health(sqlite, provider, calendar)[0].state == "ok"
    write(tmp_path, prices_csv=GOOD.replace("10.5", "10.6"))
    materialize.prices(shop, [date(2022, 3, 8)])
    assert "opening_cash 1" in stale_health(sqlite, provider, calendar)[0].found
    assert provider_health(provider, calendar, NOW)[0].found == "files: 2022-03-07 to 2022-03-09, 1 symbols"
