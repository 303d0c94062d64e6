"""The one place that says whose rows a request sees: every query runs on a connection that was opened here for a known caller.

A request opens one transaction. Its first query names the caller and the portfolio, and a portfolio that is not the caller's does not
exist. What a route builds from it is answered with its entity tag, and kept until the database changes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from sqlalchemy import Connection, Row, Select, insert
from starlette.responses import Response

from sigmasight_api import tokens
from sigmasight_api.answer_cache import Answer, entity_tag
from sigmasight_api.callers import HEAD, Asked, Known, User, whose
from sigmasight_api.errors import Problem, not_found, not_materialized
from sigmasight_api.kept_answers import answer_key
from sigmasight_api.provenance import Provenance, RowSet
from sigmasight_api.service import Service
from sigmasight_api.versions import Versioned
from sigmasight_assets.ledger.accounts import Portfolio
from sigmasight_assets.sessions import utc_now
from sigmasight_assets.store.tables import activity


class Caller:
    """A user on an open connection: what routes that are about no single portfolio work with."""

    def __init__(self, access: Access, connection: Connection, known: Known) -> None:
        self.access, self.connection, self.known = access, connection, known

    @property
    def user(self) -> User:
        return self.known.user

    @property
    def token(self) -> str | None:
        """What the content that is read is known by; None within a write."""
        return self.known.token

    @property
    def service(self) -> Service:
        return self.access.service

    def rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """A query's rows, by column name."""
        result = self.connection.execute(query)
        names = list(map(str, result.keys()))
        return [dict(zip(names, row, strict=True)) for row in result]

    def market(self) -> Provenance:
        """Provenance of the market's tables."""
        return self.service.provenance.get(self.connection, self.service.calendar, None, None, self.token)

    def record(self, action: str, resource: str | None = None, detail: str | None = None) -> None:
        """Add to the record of activity, in the transaction of what was done."""
        record_activity(self.connection, self.access.request, self.user.id, action, resource, detail)


class Book(Caller):
    """One portfolio of the caller, on an open connection."""

    def __init__(self, access: Access, connection: Connection, known: Known, portfolio: Portfolio) -> None:
        super().__init__(access, connection, known)
        self.portfolio = portfolio

    @property
    def provenance(self) -> Provenance:
        """Provenance of the portfolio's tables and of the market's."""
        service = self.service
        return service.provenance.get(self.connection, service.calendar, self.portfolio.id, self.portfolio.cash_as_of, self.token)

    def row_set(self, table: str, as_of: date | None = None) -> RowSet:
        """The last row set of a table on or before a date; `not_materialized` where there is none."""
        found = self.provenance.latest(table, as_of)
        if found is None:
            raise not_materialized(table, as_of or self.provenance.last_market_session)
        return found


class Access:
    """The door of one request: who asks, and what they may see."""

    def __init__(self, request: Request, credentials: tokens.Credentials) -> None:
        self.request, self.credentials = request, credentials
        self.service: Service = request.app.state.service
        self._asked: dict[tuple[Asked, uuid.UUID | str | None], Known] = {}

    def answer(self, build: Callable[[Caller], Any]) -> Response:
        """What `build` makes of the caller's rows, as JSON with its entity tag."""
        known = self._who(Asked.NO_PORTFOLIO)
        return self._answered(known, lambda connection: build(Caller(self, connection, known)))

    def answer_for(self, portfolio_id: uuid.UUID | str | None, build: Callable[[Book], Any]) -> Response:
        """What `build` makes of one portfolio of the caller: the named one (by id, or by slug), or the only one."""
        known = self._who(Asked.of(portfolio_id), portfolio_id)
        portfolio = _chosen(known.owned, portfolio_id)
        return self._answered(known, lambda connection: build(Book(self, connection, known, portfolio)))

    def answer_for_lot(self, lot_id: uuid.UUID, build: Callable[[Book], Any]) -> Response:
        """What `build` makes of the caller's portfolio that a lot is in."""
        known = self._who(Asked.HOLDER_OF_LOT, lot_id)
        portfolio = _holder(known.owned, lot_id)
        return self._answered(known, lambda connection: build(Book(self, connection, known, portfolio)))

    def require_admin(self) -> None:
        if self._who(Asked.NO_PORTFOLIO).user.role != "admin":
            raise Problem(403, "not_admin", "This needs the role admin.")

    @contextmanager
    def reading(self) -> Iterator[Caller]:
        """The caller's rows for an answer that is no JSON document."""
        known = self._who(Asked.NO_PORTFOLIO)
        with self.service.database.read() as connection:
            yield Caller(self, connection, known)

    @contextmanager
    def reading_of(self, portfolio_id: uuid.UUID | str | None) -> Iterator[Book]:
        """One portfolio's rows for an answer that is no JSON document."""
        known = self._who(Asked.of(portfolio_id), portfolio_id)
        portfolio = _chosen(known.owned, portfolio_id)
        with self.service.database.read() as connection:
            yield Book(self, connection, known, portfolio)

    @contextmanager
    def writing(self) -> Iterator[Caller]:
        """One write transaction of the caller."""
        self.service.version.before_reading()
        with self.service.database.write() as connection:
            known = self._found(connection, Asked.NO_PORTFOLIO)
            yield Caller(self, connection, replace(known, token=None))

    @contextmanager
    def writing_to(self, portfolio_id: uuid.UUID | str | None) -> Iterator[Book]:
        """One write transaction on one portfolio of the caller."""
        self.service.version.before_reading()
        with self.service.database.write() as connection:
            known = self._found(connection, Asked.of(portfolio_id), portfolio_id)
            yield Book(self, connection, replace(known, token=None), _chosen(known.owned, portfolio_id))

    @contextmanager
    def writing_to_lot(self, lot_id: uuid.UUID) -> Iterator[Book]:
        """One write transaction on the caller's portfolio that a lot is in."""
        self.service.version.before_reading()
        with self.service.database.write() as connection:
            known = self._found(connection, Asked.HOLDER_OF_LOT, lot_id)
            yield Book(self, connection, replace(known, token=None), _holder(known.owned, lot_id))

    def _who(self, asked: Asked, asked_id: uuid.UUID | str | None = None) -> Known:
        """The caller, those of their portfolios that are asked for, and the content's token; found out once a request.

        The token is read before the transaction that it is used for begins: what is kept under it may be newer, never older.
        """
        known = self._asked.get((asked, asked_id))
        if known is None:
            known = self._asked[asked, asked_id] = self._find(asked, asked_id)
        self.request.scope["user_id"] = str(known.user.id)
        return known

    def _find(self, asked: Asked, asked_id: uuid.UUID | str | None) -> Known:
        service = self.service
        token = self.request.scope.get("content_token") or service.version.before_reading()
        key = (self.credentials.key, asked, asked_id)
        known = service.known.get(key)
        if known is None or token is None or known.token != token or known.is_over(service.clock()):
            with service.database.reporting(), service.database.engine.connect() as connection:
                known = self._found(connection, asked, asked_id)
            known = replace(known, token=known.token or token)
            service.known.put(key, known)
        return known

    def _found(self, connection: Connection, asked: Asked, asked_id: uuid.UUID | str | None = None) -> Known:
        by_token = self.credentials.token_hash is not None
        query = whose(by_token, asked, self.service.version.is_in_query)
        who = (
            {"token_hash": self.credentials.token_hash, "now": self.service.clock()} if by_token else {"user_id": self.credentials.user_id}
        )
        which = {} if asked_id is None else {"asked_id": asked_id}
        rows = connection.execute(query, {**who, **which}).all()
        if not rows:
            raise tokens.unauthorized("invalid_token", "The token is not valid any more: log in again.")
        first = rows[0]
        user = User(first.user_id, first.email, first.user_name, first.role)
        if self.credentials.token_hash:
            self.service.token_owners[self.credentials.token_hash] = str(user.id)
        owned = [] if asked is Asked.NO_PORTFOLIO else [Portfolio(*row[-len(HEAD) :]) for row in rows if row.id is not None]
        return Known(user, owned, first.token, first.expires_at)

    def give(self, known: Known, answer: Answer) -> Response:
        """An answer, which is kept."""
        answer = replace(answer, until=known.expires_at, route=self.request.scope.get("route"))
        self.service.answers.put(answer_key(self.credentials, self.request.scope), known.token, answer)
        return answer.response(self.request.headers.get("if-none-match", ""))

    def _answered(self, known: Known, build: Callable[[Connection], Any]) -> Response:
        with self.service.database.read() as connection:
            built = build(connection)
            body = to_json(built.document if isinstance(built, Versioned) else built)
        return self.give(known, Answer(body, built.entity_tag(body) if isinstance(built, Versioned) else entity_tag(body)))


async def _access(request: Request) -> Access:
    """Who asks; refused before anything else is read. Requests are counted by user, else by address."""
    service: Service = request.app.state.service
    try:
        credentials = tokens.read(service.secret, request.headers.get("authorization"))
    except Problem:
        await service.limits.count_address(address_of(request))
        raise
    owner = service.owner_of(credentials)
    allowance = await (service.limits.count_address(address_of(request)) if owner is None else service.limits.count_user(owner))
    request.scope["rate_limit"] = allowance.headers
    return Access(request, credentials)


Door = Annotated[Access, Depends(_access)]


def _admin(door: Door) -> None:
    door.require_admin()


ADMIN_ONLY = Depends(_admin)
"""For routers: who is no administrator is refused before what they send is looked at."""


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def record_activity(
    connection: Connection,
    request: Request,
    user_id: uuid.UUID | None,
    action: str,
    resource: str | None = None,
    detail: str | None = None,
    outcome: str = "done",
) -> None:
    """Add one line to the record of activity."""
    row = {
        "at": utc_now(),
        "user_id": user_id,
        "action": action,
        "resource": resource,
        "outcome": outcome,
        "detail": detail,
        "address": address_of(request),
        "request_id": request.scope.get("request_id"),
    }
    connection.execute(insert(activity), row)


def _chosen(owned: Sequence[Portfolio], portfolio_id: uuid.UUID | str | None) -> Portfolio:
    if len(owned) == 1:
        return owned[0]
    if portfolio_id is not None or not owned:
        raise not_found("portfolio" if portfolio_id is None else f"portfolio {portfolio_id}")
    names = [{"id": str(portfolio.id), "slug": portfolio.slug, "name": portfolio.name} for portfolio in owned]
    fault = {"loc": ["query", "portfolio_id"], "code": "ambiguous", "message": "You own several portfolios: name one.", "value": None}
    raise Problem(422, "portfolio_ambiguous", "You own several portfolios: name one by portfolio_id.", [fault], portfolios=names)


def _holder(owned: Sequence[Portfolio], lot_id: uuid.UUID) -> Portfolio:
    if not owned:
        raise not_found(f"position {lot_id}")
    return owned[0]


def to_json(document: Any) -> bytes:
    """JSON of what the database gave: exact decimals as numbers, missing as null."""
    return orjson.dumps(document, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
    if isinstance(value, Row):
        return dict(value._mapping)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
