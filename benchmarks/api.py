"""Reads of the API under load: `python -m benchmarks.api STATE_DIR [--seconds 2] [--only NAME] [--postgres] [--portfolios 300]`.

STATE_DIR holds the demonstration (`.sigmasight` after `make demo`). The server keeps one core, the generator the other, which it shares
with PostgreSQL. `--portfolios` puts copies of the demonstration's beside them, with all their sessions. Every GET of the
OpenAPI document's examples is asked at 4 and at 16 connections; the reference is a constant route behind the same middleware, in the same
run. Under load answers are given that are kept; "anew" is the median of a few requests that each come after a commit, when nothing is. The
last column compares the bodies before and after the load: they must be equal byte for byte.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import delete, select

from benchmarks.api_server import CONSTANT
from benchmarks.load import Load, load, pin, unpin
from benchmarks.stored import stored
from sigmasight_api import tokens
from sigmasight_api.app import openapi
from sigmasight_api.examples import Example, examples
from sigmasight_assets.ledger.accounts import add_user
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import Database
from sigmasight_assets.store.tables import users

PORT, GENERATOR_CORE = 8765, 1
SECRET = "the secret of a benchmark, on a copy of its own"
CONNECTIONS = {4: 25.0, 16: 60.0}
"""Connections -> milliseconds that 99 of 100 requests may take."""
STARTS, IDLE_SECONDS, ANEW = 5, 20.0, 7
SHARE = 1 / 3
"""Of the constant route's throughput."""
SLOW = ("download_report", "read_status", "read_history", "read_schedule", "read_data_health", "read_lineage", "list_activity")
"""Files, and what an administrator asks: 300 ms at any number of connections, and no share."""
SLOW_MILLISECONDS = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="operations whose name holds this")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own; by default on SQLite")
    parser.add_argument("--portfolios", type=int, default=3, help="so many in all")
    arguments = parser.parse_args()
    pin(GENERATOR_CORE)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        with stored(arguments.state / "sigmasight.db", state, arguments.portfolios, postgres=arguments.postgres) as url:
            print(f"{arguments.portfolios} portfolios on {'PostgreSQL' if arguments.postgres else 'SQLite'}")
            measure(state, url, arguments.seconds, arguments.only)


def measure(state: Path, url: str, seconds: float, only: str) -> None:
    start_up(state, url)
    with served(state, url, "benchmarks.api_server", SIGMASIGHT_WARM_WORKER="false") as process:  # a worker would share the server's core
        who = logins(url)
        owner = next(iter(who.values()))
        constant = {n: load(PORT, [CONSTANT], owner, n, seconds) for n in CONNECTIONS}
        print(
            f"{'operation':<44}"
            + "".join(f"{f'{n} conn: p50 ms':>17}{'p99 ms':>9}{'req/s':>8}{'of const':>9}" for n in CONNECTIONS)
            + "  anew ms  bodies"
        )
        show("constant", constant, constant, float("nan"), "")
        for example, path in reads():
            if only in example.operation and example.user:
                token = who[example.user]
                before = body(path, token)
                loads = {n: load(PORT, [path], token, n, seconds) for n in CONNECTIONS}
                show(example.operation, loads, constant, anew(url, path, token), "equal" if body(path, token) == before else "DIFFERENT")
        print(f"resident after the load {psutil.Process(process.pid).memory_info().rss / 1e6:.0f} MB")


def start_up(state: Path, url: str) -> None:
    """From the start of the process to an answer of /health/ready, as users start it; then its memory when its worker has loaded all."""
    unpin()  # no generator is at work yet
    seconds, processor, resident = [], [], 0.0
    for last in (*[False] * (STARTS - 1), True):
        began = time.perf_counter()
        with served(state, url, "sigmasight_api") as process:
            seconds.append(time.perf_counter() - began)
            server = psutil.Process(process.pid)
            processor.append(sum(server.cpu_times()[:2]))
            time.sleep(IDLE_SECONDS if last else 0)
            resident = server.memory_info().rss / 1e6
            workers = server.children(recursive=True)
        psutil.wait_procs(workers)  # one that loads still would slow the next start
    best = f"ready after {min(seconds):.2f} s, {min(processor):.2f} s of them of the processor (best of {STARTS}; goal: 2 s)"
    pin(GENERATOR_CORE)
    print(f"{best}; idle with {resident:.0f} MB (goal: 200 MB)")


def anew(url: str, path: str, token: str) -> float:
    """Milliseconds of a request for which nothing is kept: the median of some, each after a commit that leaves every row as it was."""
    database, spent = Database(url), []
    for _ in range(ANEW):
        with database.write() as connection:
            gone = add_user(connection, "gone@example.com")
            connection.execute(delete(users).where(users.c.id == gone))
        began = time.perf_counter()
        body(path, token)
        spent.append(time.perf_counter() - began)
    database.dispose()
    return 1000 * statistics.median(spent)


def show(name: str, loads: dict[int, Load], constant: dict[int, Load], milliseconds: float, bodies: str) -> None:
    line, missed = f"{name:<44}", []
    is_slow = name in SLOW
    for n, one in loads.items():
        share = one.requests_per_second / constant[n].requests_per_second
        line += f"{one.median:>17.2f}{one.p99:>9.2f}{one.requests_per_second:>8.0f}{share:>9.2f}"
        missed += [f"p99 at {n}"] if one.p99 > (SLOW_MILLISECONDS if is_slow else CONNECTIONS[n]) else []
        missed += [f"share at {n}"] if share < SHARE and not is_slow else []
        missed += [f"{one.n_failed} failed"] if one.n_failed else []
    print(f"{line}{milliseconds:>9.1f}  {bodies}" + (f"  MISSED: {', '.join(missed)}" if missed else ""), flush=True)


def reads() -> list[tuple[Example, str]]:
    """Each GET that has an example, with its path and query."""
    out = []
    for path, operations in openapi()["paths"].items():
        example = examples().get(operations.get("get", {}).get("operationId", ""))
        if example is not None:
            query = urllib.parse.urlencode(example.query, doseq=True)
            out.append((example, path.format(**example.path) + (f"?{query}" if query else "")))
    return out


def logins(url: str) -> dict[str, str]:
    """Address -> a token of each user."""
    database = Database(url)
    with database.read() as connection:
        found = connection.execute(select(users.c.id, users.c.email)).all()
    database.dispose()
    return {row.email: tokens.issue(SECRET, row.id, utc_now(), 600) for row in found}


def body(path: str, token: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        content: bytes = response.read()
        return content


@contextmanager
def served(state: Path, url: str, module: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The API on a state folder, until the block ends."""
    environment = {
        **os.environ,
        "SIGMASIGHT_STATE_DIR": str(state),
        "SIGMASIGHT_DATABASE_URL": url,
        "SIGMASIGHT_JWT_SECRET": SECRET,
        "SIGMASIGHT_RATE_LIMIT": "100000000",
        **more,
    }
    command = [sys.executable, "-m", module, "--port", str(PORT)]
    with (state / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None:
                    raise SystemExit((state / "server.log").read_text()) from None
                time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
