"""`sigmasight data`: check a folder of market data before anything runs, confirm a price that jumps, list what vendors corrected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from sqlalchemy import delete, insert, select

from sigmasight_assets.cli.arguments import parse_date
from sigmasight_assets.cli.console import Exit, err, fail, out, show_table
from sigmasight_assets.cli.desk import open_desk
from sigmasight_assets.providers.files.findings import Finding
from sigmasight_assets.providers.files.folder import FolderData
from sigmasight_assets.providers.files.provider import FilesProvider
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.settings import Settings
from sigmasight_assets.store.tables import confirmed_prices, prices, restatements

data = typer.Typer()
FORMATS = ("text", "json")


@data.command("check")
def check_command(
    folder: Annotated[Path | None, typer.Argument(help="Folder of CSV or Parquet files (default: SIGMASIGHT_DATA_DIR)")] = None,
    output: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    symbols: Annotated[int, typer.Option(help="Symbols to list")] = 60,
) -> None:
    """Report coverage and everything odd in a folder. Exit codes: 0 nothing, 1 warnings, 2 the folder would be refused."""
    if output not in FORMATS:
        raise fail(f"--format: expected one of {', '.join(FORMATS)}, was {output!r}.", Exit.REFUSED)
    chosen = folder or Settings().data_dir
    if chosen is None:
        raise fail("name a folder, or set SIGMASIGHT_DATA_DIR.", Exit.REFUSED)
    found = FilesProvider(chosen).data()
    if output == "json":
        print(json.dumps(_as_json(chosen, found), indent=1))
    else:
        _show(chosen, found, symbols)
    raise typer.Exit(exit_code_of(found))


def exit_code_of(found: FolderData) -> Exit:
    return Exit.REFUSED if found.n_errors else Exit.FAILED if found.n_warnings else Exit.OK


def _as_json(folder: Path, found: FolderData) -> dict[str, object]:
    coverage = [
        {"symbol": row.Index, "first": f"{row.first:%Y-%m-%d}", "last": f"{row.last:%Y-%m-%d}", "closes": int(row.closes),
         "gaps": int(row.gaps), "source": row.source, "price_basis": row.price_basis}
        for row in found.coverage.itertuples()
    ]  # fmt: skip
    return {
        "folder": str(folder),
        "verdict": {Exit.OK: "ok", Exit.FAILED: "warnings", Exit.REFUSED: "refused"}[exit_code_of(found)],
        "errors": found.n_errors,
        "warnings": found.n_warnings,
        "files": found.files,
        "kinds": _kinds(found),
        "proxies": {
            factor: {"symbol": proxy.symbol, "etf": proxy.etf, "present": proxy.symbol in found.coverage.index}
            for factor, proxy in found.proxies.items()
        },
        "coverage": coverage,
        "findings": [finding.as_dict() for finding in found.findings],
    }


def _kinds(found: FolderData) -> dict[str, dict[str, object]]:
    """Rows, first and last session of each kind of data."""
    out_: dict[str, dict[str, object]] = {}
    for kind, frame in (("prices", found.prices), ("yields", found.yields), ("option_quotes", found.quotes)):
        known = frame["session"].dropna()
        first, last = (None, None) if known.empty else (f"{known.min():%Y-%m-%d}", f"{known.max():%Y-%m-%d}")
        out_[kind] = {"rows": len(frame), "first": first, "last": last}
    out_["security_master"] = {"rows": len(found.master), "first": None, "last": None}
    return out_


def _show(folder: Path, found: FolderData, n_symbols: int) -> None:
    show_table(
        f"Data in {folder}",
        ["kind", "files", "first", "last", "rows"],
        [
            [kind, str(list(found.files.values()).count(kind)), str(one["first"] or ""), str(one["last"] or ""), f"{one['rows']:,}"]
            for kind, one in _kinds(found).items()
        ],
        numeric_from=4,
    )
    cells = [
        [str(row.Index), f"{row.first:%Y-%m-%d}", f"{row.last:%Y-%m-%d}", f"{row.closes:,}", str(row.gaps), row.price_basis, row.source]
        for row in found.coverage.head(n_symbols).itertuples()
    ]
    if cells:
        title = f"Prices of {len(found.coverage)} symbols" + (f", the first {n_symbols}" if len(found.coverage) > n_symbols else "")
        show_table(title, ["symbol", "first", "last", "closes", "gaps", "basis", "source"], cells, numeric_from=7)
    known = set(found.coverage.index)
    proxies = [[factor, proxy.etf, proxy.symbol, "yes" if proxy.symbol in known else "NO"] for factor, proxy in found.proxies.items()]
    show_table("Proxies of the seven factors", ["factor", "ETF", "series used", "present"], proxies, numeric_from=4)
    for finding in found.findings:
        print_finding(finding)
    verdict = {Exit.OK: "Nothing is wrong.", Exit.FAILED: "The folder can be used."}.get(exit_code_of(found), "The folder is refused.")
    out.print(f"{verdict} {found.n_errors:,} errors, {found.n_warnings:,} warnings.")


def print_finding(finding: Finding) -> None:
    err.print(str(finding), markup=False)


@data.command("confirm")
def confirm_command(
    symbol: Annotated[str, typer.Argument(help="Symbol whose close was quarantined")],
    session: Annotated[str, typer.Option(help="Session, YYYY-MM-DD")],
    note: Annotated[str | None, typer.Option(help="Why it is right")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take a confirmation back")] = False,
) -> None:
    """Vouch for a close that was quarantined because it jumped more than tenfold. It counts from the next run on."""
    desk = open_desk()
    day, name = parse_date(session, "--session"), symbol.strip().upper()
    c = confirmed_prices.c
    with desk.database.write() as connection:
        stored = connection.execute(
            select(prices.c.close, prices.c.reason).where(prices.c.session == day, prices.c.symbol == name)
        ).one_or_none()
        gone = connection.execute(delete(confirmed_prices).where(c.session == day, c.symbol == name)).rowcount
        if undo and not gone:
            raise fail(f"there is no confirmation of {name} on {day}.", Exit.REFUSED)
        if not undo:
            if stored is None or stored.close is None:
                raise fail(f"there is no close of {name} on {day} to confirm: `sigmasight run --from {day}` takes it in.", Exit.REFUSED)
            row = {"session": day, "symbol": name, "close": stored.close, "note": note, "confirmed_at": utc_now()}
            connection.execute(insert(confirmed_prices), row)
    what = "The confirmation was taken back." if undo else f"The close {stored.close:g} of {name} on {day} is confirmed."  # type: ignore[union-attr]
    out.print(f"{what} Take it in with: sigmasight run --stale")


@data.command("restatements")
def restatements_command(
    symbol: Annotated[str | None, typer.Option(help="Only this symbol")] = None,
    limit: Annotated[int, typer.Option(help="Lines to show, latest first")] = 40,
) -> None:
    """List what sources corrected after it was stored: old value, new value, when it was seen and by which run."""
    desk = open_desk()
    query = select(restatements).order_by(restatements.c.seen_at.desc(), restatements.c.session, restatements.c.symbol)
    if symbol:
        query = query.where(restatements.c.symbol == symbol.strip().upper())
    rows = desk.database.frame(query.limit(limit))
    cells = [
        [row.table_name, f"{row.session:%Y-%m-%d}", row.symbol, row.field, _shown(row.old_value), _shown(row.new_value),
         f"{row.seen_at:%Y-%m-%d %H:%M}", row.run_id[:8]]
        for row in rows.itertuples()
    ]  # fmt: skip
    if cells:
        show_table("Restatements", ["table", "session", "symbol", "field", "old", "new", "seen (UTC)", "run"], cells, numeric_from=4)
    else:
        out.print("No source has corrected anything that was stored.")


def _shown(value: float) -> str:
    return "none" if pd.isna(value) else f"{value:.10g}"
