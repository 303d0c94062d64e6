"""Logins of the demonstration: its three owners and an administrator, with random passwords in a file for its owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from sigmasight_assets.cli.console import out
from sigmasight_assets.cli.desk import Desk
from sigmasight_assets.errors import NotFound
from sigmasight_assets.ledger.accounts import add_user, find_user
from sigmasight_assets.ledger.credentials import set_password
from sigmasight_assets.store.tables import users

ADMIN = "admin@sigmasight.com"
_BYTES = 12


def credentials_file(state_dir: Path) -> Path:
    """Where the demonstration's passwords are kept: one line of address and password a user."""
    return state_dir / "credentials"


def make_logins(desk: Desk, owners: Sequence[str]) -> list[tuple[str, str]]:
    """Give each demonstration user a new password; nothing where all have one and the file is there."""
    path = credentials_file(desk.settings.state_dir)
    with desk.database.write() as connection:
        try:
            find_user(connection, ADMIN)
        except NotFound:
            add_user(connection, ADMIN, "Administrator", "admin")
        found = {address: find_user(connection, address) for address in (*owners, ADMIN)}
        without = select(users.c.id).where(users.c.id.in_(list(found.values())), users.c.password_hash.is_(None))
        if path.exists() and connection.execute(without).first() is None:
            return []
        logins = [(address, secrets.token_urlsafe(_BYTES)) for address in found]
        for address, password in logins:
            set_password(connection, found[address], password)
        _write(path, "".join(f"{address} {password}\n" for address, password in logins))
    return logins


def tell_logins(desk: Desk, logins: Sequence[tuple[str, str]]) -> None:
    """Print what was made, once."""
    if logins:
        out.print(f"\nLogins (also in {credentials_file(desk.settings.state_dir)}, shown this once):")
        for address, password in logins:
            out.print(f"  {address:<32} {password}", markup=False, highlight=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
