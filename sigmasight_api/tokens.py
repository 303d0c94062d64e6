"""Bearer tokens: short-lived JWTs of a login, and personal tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from sigmasight_api.errors import Problem
from sigmasight_assets.ledger.credentials import TOKEN_PREFIX, token_hash

ALGORITHM, AUDIENCE = "HS256", "sigmasight"
LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class Credentials:
    """What a request brought: the user of a valid login, or the hash of a personal token that the database has to know."""

    user_id: uuid.UUID | None
    token_hash: str | None

    @property
    def key(self) -> str:
        """What requests are counted under until the owner of a personal token is known."""
        return str(self.user_id) if self.user_id else f"token:{self.token_hash}"


def issue(secret: str, user_id: uuid.UUID, now: datetime, minutes: int) -> str:
    """A signed token of one login."""
    claims = {"sub": str(user_id), "iat": now, "exp": now + timedelta(minutes=minutes), "aud": AUDIENCE, "jti": uuid.uuid4().hex}
    return jwt.encode(claims, secret, ALGORITHM)


def read(secret: str, authorization: str | None) -> Credentials:
    """The credentials of an `Authorization` header.

    Raises
    ------
    Problem
        401 where there is none, or it is forged, expired or not for us.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if not token or scheme.lower() != "bearer":
        raise unauthorized("not_authenticated", "A bearer token is needed: POST /api/v1/auth/token gives one.")
    if len(token) > LONGEST_TOKEN:
        raise unauthorized("invalid_token", "The token is not one of ours.")
    if token.startswith(TOKEN_PREFIX):
        return Credentials(None, token_hash(token))
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "sub", "aud"]})
        return Credentials(uuid.UUID(claims["sub"]), None)
    except jwt.ExpiredSignatureError:
        raise unauthorized("expired_token", "The login has expired: log in again.") from None
    except (jwt.InvalidTokenError, ValueError):
        raise unauthorized("invalid_token", "The token is not one of ours.") from None


def unauthorized(code: str, detail: str) -> Problem:
    return Problem(401, code, detail, headers={"WWW-Authenticate": "Bearer"})
