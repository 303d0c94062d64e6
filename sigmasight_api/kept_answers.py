"""Kept answers, given again without a route, a thread or a query: by far the most reads ask what has been answered before.

Who asks is found out, and counted, as everywhere. What is kept was made for the same credentials under the same content of the database,
so the caller is who they were and owns what they owned.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sigmasight_api import tokens
from sigmasight_api.answer_cache import Key
from sigmasight_api.errors import Problem, problem_response
from sigmasight_api.service import Service
from sigmasight_assets.errors import DatabaseUnavailable


def answer_key(credentials: tokens.Credentials, scope: Scope) -> Key:
    """What an answer to a request is kept under."""
    return credentials.key, scope["path"], scope["query_string"].decode("latin-1")


class KeptAnswers:
    """Innermost around the routes: they are asked for what is not kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = await self._kept(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (kept or self.app)(scope, receive, send)

    async def _kept(self, scope: Scope) -> Response | None:
        service: Service = scope["app"].state.service
        headers = Headers(scope=scope)
        try:
            credentials = tokens.read(service.secret, headers.get("authorization"))
            key = answer_key(credentials, scope)
            if key not in service.answers or (owner := service.owner_of(credentials)) is None:
                return None
            scope["content_token"] = token = await service.version.now()
        except (Problem, DatabaseUnavailable):
            return None  # the route says it
        answer = service.answers.get(key, token)
        if answer is None or not answer.holds(service.clock()):
            return None
        scope["route"], scope["user_id"] = answer.route, owner
        try:
            scope["rate_limit"] = (await service.limits.count_user(owner)).headers
        except Problem as problem:
            return problem_response(Request(scope), problem)
        return answer.response(headers.get("if-none-match", ""))
