"""Users and portfolios: who owns what."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, insert, select, update

from sigmasight_assets.errors import LedgerConflict, LedgerRefused, NotFound
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.database import lock_for_writing
from sigmasight_assets.store.tables import portfolios, users

LEDGER_LOCK = "ledger"
"""Held by every change of the books of record, so that what it compared with is what it changes."""
ROLES = ("user", "admin")
LONGEST_NAME = 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def add_user(connection: Connection, email: str, name: str | None = None, role: str = "user") -> uuid.UUID:
    """Add a user; the address is kept in lower case.

    Raises
    ------
    LedgerRefused
        For an address that is none, is taken, or an unknown role.
    """
    lock_for_writing(connection, LEDGER_LOCK)
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > 254:
        raise LedgerRefused(f"Expected an e-mail address, was {email!r}.")
    if name is not None and len(name) > LONGEST_NAME:
        raise LedgerRefused(f"Expected a name of at most {LONGEST_NAME} characters, was {len(name)}.")
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


def as_uuid(text: str) -> uuid.UUID | None:
    """The id that a text is; None for any other text."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def find_portfolio(connection: Connection, name: str, owner_id: uuid.UUID | None = None) -> Portfolio | None:
    """The portfolio of a UUID, a slug, or a name; None where there is none.

    Parameters
    ----------
    owner_id : UUID, optional
        Whose names are meant: slugs are unique in a deployment, names are not.

    Raises
    ------
    LedgerRefused
        For a name that several portfolios have.
    """
    columns = [portfolios.c[field] for field in Portfolio.__dataclass_fields__]
    known_id = as_uuid(name)
    by_key = portfolios.c.slug == slug_of(name) if known_id is None else portfolios.c.id == known_id
    row = connection.execute(select(*columns).where(by_key)).first()
    if row is not None or known_id is not None:
        return None if row is None else Portfolio(*row)
    named = select(*columns).where(portfolios.c.name == name.strip()).order_by(portfolios.c.slug)
    rows = connection.execute(named if owner_id is None else named.where(portfolios.c.owner_id == owner_id)).all()
    if len(rows) > 1:
        raise LedgerRefused(f"{len(rows)} portfolios have the name {name!r}: use a slug ({', '.join(row.slug for row in rows)}).")
    return Portfolio(*rows[0]) if rows else None


def draft_portfolio(
    connection: Connection,
    owner_id: uuid.UUID,
    name: str,
    cash: Decimal,
    as_of: date,
    slug: str | None = None,
    portfolio_id: uuid.UUID | None = None,
) -> Portfolio:
    """A new, empty portfolio, not stored yet; its id is made up where none is given.

    Raises
    ------
    LedgerRefused
        Where the slug is taken (slugs are unique in a deployment), or for a name that is too long or is an id.
    """
    shown = checked_name(name)
    if as_uuid(shown) is not None or (slug and as_uuid(slug) is not None):
        raise LedgerRefused(f"There is no portfolio with the id {slug or shown}, and an id cannot be a new portfolio's name.")
    chosen = slug_of(slug or shown)
    if connection.execute(select(portfolios.c.id).where(portfolios.c.slug == chosen)).first():
        raise LedgerConflict(f"A portfolio {chosen!r} exists already: choose another name.")
    return Portfolio(portfolio_id or uuid.uuid4(), owner_id, chosen, shown, cash, as_of)


def checked_name(name: str) -> str:
    """A portfolio's name as it is kept; `LedgerRefused` for one that is too long or nothing."""
    shown = name.strip()
    if not 0 < len(shown) <= LONGEST_NAME:
        raise LedgerRefused(f"Expected a portfolio name of 1 to {LONGEST_NAME} characters, was {len(shown)}.")
    return shown


def create_portfolio(
    connection: Connection,
    owner_id: uuid.UUID,
    name: str,
    cash: Decimal,
    as_of: date,
    slug: str | None = None,
    portfolio_id: uuid.UUID | None = None,
) -> Portfolio:
    """Store a new, empty portfolio; refused as `draft_portfolio` says."""
    portfolio = draft_portfolio(connection, owner_id, name, cash, as_of, slug, portfolio_id)
    connection.execute(insert(portfolios), {**vars(portfolio), "currency": "USD", "created_at": utc_now()})
    return portfolio


def locked(connection: Connection, portfolio: Portfolio) -> Portfolio:
    """The portfolio as it stands, held against every other change of the books until the transaction ends.

    Raises
    ------
    NotFound
        Where it has been deleted meanwhile.
    """
    lock_for_writing(connection, LEDGER_LOCK)
    columns = [portfolios.c[field] for field in Portfolio.__dataclass_fields__]
    row = connection.execute(select(*columns).where(portfolios.c.id == portfolio.id)).first()
    if row is None:
        raise NotFound(f"There is no portfolio {portfolio.id} any more.")
    return Portfolio(*row)


def state_cash(connection: Connection, portfolio: Portfolio, cash: Decimal, as_of: date) -> bool:
    """Restate a portfolio's cash balance; False where it is what it was."""
    if portfolio.cash_balance == cash and portfolio.cash_as_of == as_of:
        return False
    connection.execute(update(portfolios).where(portfolios.c.id == portfolio.id).values(cash_balance=cash, cash_as_of=as_of))
    return True
