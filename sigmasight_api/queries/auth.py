"""Users and their tokens."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Delete, Select, delete, func, select

from sigmasight_assets.store.tables import api_tokens, portfolios, users


def by_email(email: str) -> Select[Any]:
    return select(users.c.id, users.c.password_hash).where(users.c.email == email.strip().lower())


def me(user_id: uuid.UUID) -> Select[Any]:
    owned = select(func.count()).where(portfolios.c.owner_id == users.c.id).scalar_subquery()
    return select(users.c.id, users.c.email, users.c.name, users.c.role, owned.label("n_portfolios")).where(users.c.id == user_id)


def tokens(user_id: uuid.UUID) -> Select[Any]:
    c = api_tokens.c
    query = select(c.id, c.name, c.hint, c.created_at, c.expires_at).where(c.owner_id == user_id)
    return query.order_by(c.created_at.desc(), c.id)


def delete_token(user_id: uuid.UUID, token_id: uuid.UUID) -> Delete:
    return delete(api_tokens).where(api_tokens.c.owner_id == user_id, api_tokens.c.id == token_id)
