"""What commands print: tables, progress and errors as one paragraph; exit codes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sigmasight_assets.errors import (
    DatabaseUnavailable,
    InvalidData,
    InvalidFile,
    InvalidSymbol,
    LedgerRefused,
    NotASession,
    NotFound,
    NotMaterialized,
    SigmaSightError,
)


class Stream(Console):
    """A console that falls silent when its reader has gone (`sigmasight run … | head`): no work is lost to a closed pipe."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


out = Stream(highlight=False, soft_wrap=True)
err = Stream(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command (README)."""

    OK = 0
    FAILED = 1
    REFUSED = 2
    NOT_MATERIALIZED = 3
    DATABASE = 4
    RUN_FAILED = 5
    INTERRUPTED = 130


_CODES: dict[type[SigmaSightError], Exit] = {
    NotMaterialized: Exit.NOT_MATERIALIZED,
    DatabaseUnavailable: Exit.DATABASE,
    LedgerRefused: Exit.REFUSED,
    NotFound: Exit.REFUSED,
    InvalidData: Exit.REFUSED,
    InvalidFile: Exit.REFUSED,
    InvalidSymbol: Exit.REFUSED,
    NotASession: Exit.REFUSED,
}


def exit_code_of(error: SigmaSightError) -> Exit:
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), Exit.FAILED)


def complain(message: str) -> None:
    """One paragraph on stderr."""
    err.print(f"[red]error[/red]: {escape(message)}")


def fail(message: str, code: Exit) -> SystemExit:
    """Say what is wrong on stderr; the caller raises the result."""
    complain(message)
    return SystemExit(code)


def counted(n: int, what: str) -> str:
    """A number with its noun."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], numeric_from: int = 1) -> None:
    """A table with texts on the left, which may wrap, and numbers on the right, which do not."""
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(columns):
        is_number = i >= numeric_from
        table.add_column(escape(name), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    out.print(table, soft_wrap=False)


@contextmanager
def working(text: str) -> Iterator[None]:
    """A spinner on stderr while something takes more than a moment; a line where that is no terminal."""
    if err.is_terminal:
        with err.status(text):
            yield
    else:
        err.print(f"{text} …", markup=False)
        yield
