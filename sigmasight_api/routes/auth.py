"""Logins and personal tokens."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import OAuth2PasswordRequestForm
from sqlalchemy import func, select
from starlette.responses import Response

from sigmasight_api import tokens
from sigmasight_api.access import Caller, Door, address_of, record_activity
from sigmasight_api.answers import Paged, collection, problems
from sigmasight_api.errors import invalid, not_found
from sigmasight_api.models.auth import FreshToken, Login, Me, NewToken, Token
from sigmasight_api.models.base import Collection
from sigmasight_api.queries import auth as queries
from sigmasight_api.queries.paging import page_of
from sigmasight_api.service import Service
from sigmasight_assets.ledger.credentials import TOKENS_PER_USER, add_token, is_password
from sigmasight_assets.store.tables import api_tokens

router = APIRouter(prefix="/auth", tags=["Auth"])

TokenId = Annotated[uuid.UUID, Path(alias="id", description="`id` of a token")]


async def _counted(request: Request) -> None:
    """Logins are counted by address: passwords are not to be guessed."""
    service: Service = request.app.state.service
    allowance = await service.limits.count_address(address_of(request))
    request.scope["rate_limit"] = allowance.headers


@router.post("/token", response_model=Login, summary="Log in", responses=problems(), dependencies=[Depends(_counted)])
def log_in(request: Request, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, Any]:
    """A short-lived token for an e-mail address and a password."""
    service: Service = request.app.state.service
    service.version.before_reading()
    with service.database.read() as connection:
        user = connection.execute(queries.by_email(form.username)).first()
    is_right = is_password(form.password, user.password_hash if user else None)
    with service.database.write() as connection:
        outcome = "done" if is_right else "refused"
        record_activity(connection, request, user.id if user else None, "auth.log_in", outcome=outcome)
    if user is None or not is_right:
        raise tokens.unauthorized("wrong_credentials", "The e-mail address or the password is wrong.")
    minutes = service.settings.login_minutes
    token = tokens.issue(service.secret, user.id, service.clock(), minutes)
    return {"access_token": token, "token_type": "bearer", "expires_in": minutes * 60}


@router.get("/me", response_model=Me, summary="The caller", responses=problems())
def read_me(door: Door) -> Response:
    """Who the token is of."""
    return door.answer(lambda caller: caller.rows(queries.me(caller.user.id))[0])


@router.get("/tokens", response_model=Collection[Token], summary="The caller's personal tokens", responses=problems())
def list_tokens(door: Door, page: Annotated[Paged, Query()]) -> Response:
    """Newest first, without their secrets."""

    def build(caller: Caller) -> dict[str, Any]:
        rows, total = page_of(caller, queries.tokens(caller.user.id), page)
        return collection(rows, page, {}, total)

    return door.answer(build)


@router.post("/tokens", response_model=FreshToken, status_code=201, summary="Make a personal token", responses=problems(409))
def create_token(door: Door, body: NewToken) -> dict[str, Any]:
    """For programs: it does not expire unless told, and its secret is shown in this answer alone."""
    if body.expires_at is not None and (body.expires_at.tzinfo is None or body.expires_at <= door.service.clock()):
        raise invalid(("body", "expires_at"), "expected a moment to come, with a time zone", body.expires_at.isoformat())
    with door.writing() as caller:
        kept = caller.connection.execute(select(func.count()).where(api_tokens.c.owner_id == caller.user.id)).scalar_one()
        if kept >= TOKENS_PER_USER:
            raise invalid(("body",), f"expected at most {TOKENS_PER_USER} tokens a user: delete one first")
        token_id, token = add_token(caller.connection, caller.user.id, body.name, body.expires_at)
        caller.record("auth.create_token", f"token:{token_id}")
        row = caller.connection.execute(select(api_tokens).where(api_tokens.c.id == token_id)).one()
    return {name: getattr(row, name) for name in Token.model_fields} | {"token": token}


@router.delete("/tokens/{id}", status_code=204, summary="Delete a personal token", responses=problems(404))
def delete_token(door: Door, token_id: TokenId) -> None:
    """It is refused from then on."""
    with door.writing() as caller:
        if not caller.connection.execute(queries.delete_token(caller.user.id, token_id)).rowcount:
            raise not_found(f"token {token_id}")
        caller.record("auth.delete_token", f"token:{token_id}")
