"""What users prove themselves by: passwords and personal tokens. Only hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, insert, update

from sigmasight_assets.errors import LedgerRefused
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import api_tokens, users

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 128
TOKEN_PREFIX = "sst_"
TOKENS_PER_USER = 50
_HINT = 8


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobody() -> str:
    """A hash that no password has, so that an unknown address takes as long as a wrong password."""
    return _hasher().hash(secrets.token_urlsafe(32))


def set_password(connection: Connection, user_id: uuid.UUID, password: str) -> None:
    """Store the Argon2id hash of a password.

    Raises
    ------
    LedgerRefused
        For a password of fewer than 12 or more than 128 characters.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise LedgerRefused(f"Expected a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, was one of {len(password)}.")
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=_hasher().hash(password)))


def is_password(password: str, stored_hash: str | None) -> bool:
    """Whether a password is the one that was hashed; as slow where there is no hash."""
    if len(password) > LONGEST_PASSWORD:
        return False
    is_right = _hasher().verify(password, stored_hash or _nobody())
    return is_right and stored_hash is not None


def token_hash(token: str) -> str:
    """SHA-256 of a token, in hexadecimal digits: a token is 256 random bits, which need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def add_token(connection: Connection, owner_id: uuid.UUID, name: str, expires_at: datetime | None = None) -> tuple[uuid.UUID, str]:
    """A new personal token: its id, and the token itself, which cannot be read again."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token_id = uuid.uuid4()
    row = {
        "id": token_id,
        "owner_id": owner_id,
        "name": name,
        "token_hash": token_hash(token),
        "hint": token[:_HINT],
        "created_at": utc_now(),
        "expires_at": expires_at,
    }
    connection.execute(insert(api_tokens), row)
    return token_id, token
