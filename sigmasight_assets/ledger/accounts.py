"""Users and portfolios: who owns what."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, select, update

from sigmasight_assets.errors import LedgerRefused, NotFound
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import portfolios, users

ROLES = ("user", "admin")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def add_user(connection: Connection, email: str, name: str | None = None, role: str = "user") -> uuid.UUID:
    """Add a user; the address is kept in lower case.

    Raises
    ------
    LedgerRefused
        For an address that is none, is taken, or an unknown role.
    """
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > 254:
        raise LedgerRefused(f"Expected an e-mail address, was {email!r}.")
    if role not in ROLES:
        raise LedgerRefused(f"Expected a role out of {', '.join(ROLES)}, was {role!r}.")
    if connection.execute(select(users.c.id).where(users.c.email == address)).first():
        raise LedgerRefused(f"The user {address} exists already.")
    user_id = uuid.uuid4()
    connection.execute(insert(users), {"id": user_id, "email": address, "name": name, "role": role, "created_at": utc_now()})
    return user_id


def find_user(connection: Connection, email: str) -> uuid.UUID:
    """The id of a user, or `NotFound` with the command that adds one."""
    address = email.strip().lower()
    user_id: uuid.UUID | None = connection.execute(select(users.c.id).where(users.c.email == address)).scalar_one_or_none()
    if user_id is None:
        raise NotFound(f"There is no user {address}: add one with `sigmasight user add {address}`.")
    return user_id


def slug_of(name: str) -> str:
    """The name in file names and commands: lower case, letters and digits, dashes between."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:100]
    if not slug:
        raise LedgerRefused(f"Expected a portfolio name with letters or digits, was {name!r}.")
    return slug


@dataclass(frozen=True)
class Portfolio:
    """A portfolio's head: identity, owner and stated cash."""

    id: uuid.UUID
    owner_id: uuid.UUID
    slug: str
    name: str
    cash_balance: Decimal
    cash_as_of: date


def find_portfolio(connection: Connection, name: str) -> Portfolio | None:
    """The portfolio of a slug, a name or a UUID; None where there is none."""
    try:
        found: Any = portfolios.c.id == uuid.UUID(name)
    except ValueError:
        found = portfolios.c.slug.in_({name, slug_of(name)})
    columns = [portfolios.c[field] for field in Portfolio.__dataclass_fields__]
    row = connection.execute(select(*columns).where(found)).first()
    return None if row is None else Portfolio(*row)


def create_portfolio(
    connection: Connection, owner_id: uuid.UUID, name: str, cash: Decimal, as_of: date, slug: str | None = None
) -> Portfolio:
    """A new, empty portfolio.

    Raises
    ------
    LedgerRefused
        Where the slug is taken: slugs are unique in a deployment.
    """
    chosen = slug_of(slug or name)
    if connection.execute(select(portfolios.c.id).where(portfolios.c.slug == chosen)).first():
        raise LedgerRefused(f"A portfolio {chosen!r} exists already: choose another name.")
    portfolio = Portfolio(uuid.uuid4(), owner_id, chosen, name, cash, as_of)
    connection.execute(insert(portfolios), {**vars(portfolio), "currency": "USD", "created_at": utc_now()})
    return portfolio


def state_cash(connection: Connection, portfolio: Portfolio, cash: Decimal, as_of: date) -> bool:
    """Restate a portfolio's cash balance; False where it is what it was."""
    if portfolio.cash_balance == cash and portfolio.cash_as_of == as_of:
        return False
    connection.execute(update(portfolios).where(portfolios.c.id == portfolio.id).values(cash_balance=cash, cash_as_of=as_of))
    return True
