"""Who a request is from, and which portfolios are theirs: one query, and what is kept of its answer until the database changes."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, Uuid, bindparam, cast, func, literal, select

from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.store.columns import UtcDateTime
from sigmasight_assets.store.tables import api_tokens, lots, portfolios, users

HEAD = tuple(Portfolio.__dataclass_fields__)
LISTED = 500
"""Portfolios of an owner that a request without `portfolio_id` is told of."""
KEPT_CALLERS = 1024


class Asked(Enum):
    """Which portfolios of the caller a request is about."""

    NO_PORTFOLIO = "none"
    ONE_PORTFOLIO = "one"
    ONE_BY_SLUG = "one by slug"
    ANY_PORTFOLIO = "any"
    HOLDER_OF_LOT = "holder"

    @staticmethod
    def of(portfolio: uuid.UUID | str | None) -> Asked:
        """What an id, a slug, or nothing asks for."""
        if portfolio is None:
            return Asked.ANY_PORTFOLIO
        return Asked.ONE_BY_SLUG if isinstance(portfolio, str) else Asked.ONE_PORTFOLIO


@dataclass(frozen=True)
class User:
    """The caller, as the database knows them."""

    id: uuid.UUID
    email: str
    name: str | None
    role: str


@dataclass(frozen=True)
class Known:
    """What the database said of a caller, under a token of its content."""

    user: User
    owned: Sequence[Portfolio]
    token: str | None
    expires_at: datetime | None

    def is_over(self, now: datetime) -> bool:
        """Whether the personal token has expired since."""
        return self.expires_at is not None and self.expires_at <= now


Key = tuple[str, Asked, uuid.UUID | str | None]


class CallerCache:
    """The callers seen last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Known] = OrderedDict()

    def get(self, key: Key) -> Known | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Key, known: Known) -> None:
        with self._lock:
            self._kept[key] = known
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_CALLERS:
                self._kept.popitem(last=False)


@cache
def whose(by_token: bool, asked: Asked, version_in_query: bool) -> Select[Any]:
    """The caller (by `user_id`, or by `token_hash` at `now`) beside each portfolio asked for, with the content's token.

    `asked_id` is that portfolio's id or slug, or the id of a lot that it holds.
    """
    version = cast(func.pg_current_snapshot(), Text) if version_in_query else literal(None, Text())
    who = (users.c.id.label("user_id"), users.c.email, users.c.name.label("user_name"), users.c.role)
    expires_at = api_tokens.c.expires_at if by_token else literal(None, UtcDateTime())
    query = select(*who, version.label("token"), expires_at.label("expires_at"))
    source: Any = users
    if by_token:
        source = users.join(api_tokens, api_tokens.c.owner_id == users.c.id)
        is_valid = api_tokens.c.expires_at.is_(None) | (api_tokens.c.expires_at > bindparam("now", type_=UtcDateTime()))
        query = query.where(api_tokens.c.token_hash == bindparam("token_hash"), is_valid)
    else:
        query = query.where(users.c.id == bindparam("user_id", type_=Uuid()))
    if asked is Asked.NO_PORTFOLIO:
        return query.select_from(source)
    is_asked = portfolios.c.owner_id == users.c.id
    if asked is Asked.ONE_PORTFOLIO:
        is_asked &= portfolios.c.id == bindparam("asked_id", type_=Uuid())
    if asked is Asked.ONE_BY_SLUG:
        is_asked &= portfolios.c.slug == bindparam("asked_id")
    if asked is Asked.HOLDER_OF_LOT:
        is_asked &= portfolios.c.id == select(lots.c.portfolio_id).where(lots.c.id == bindparam("asked_id", type_=Uuid())).scalar_subquery()
    query = query.add_columns(*(portfolios.c[name] for name in HEAD)).select_from(source.outerjoin(portfolios, is_asked))
    return query.order_by(portfolios.c.slug).limit(LISTED)
