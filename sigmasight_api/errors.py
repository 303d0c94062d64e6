"""Errors as `application/problem+json` (RFC 9457): what is wrong, where, and what to do; never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from sigmasight_assets.errors import DatabaseUnavailable, InvalidSymbol, LedgerConflict, LedgerRefused, NotASession, NotFound

LOG = logging.getLogger("sigmasight_api")
PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 5
LONGEST_VALUE = 200
LARGEST_NUMBER = 2**53


class Problem(HTTPException):
    """An answer that is not the one asked for.

    Attributes
    ----------
    status : int
    code : str
        One word for programs.
    detail : str
        One sentence for people.
    more : mapping
        Further members of the document.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status, self.code, self.errors, self.more = status, code, errors, more


def invalid(location: Sequence[str | int], message: str, value: Any = None, code: str = "invalid") -> Problem:
    """One value that cannot be used, named by where it stands."""
    fault = {"loc": list(location), "code": code, "message": message, "value": shown(value)}
    return Problem(422, "invalid_request", f"{'.'.join(map(str, location))}: {message}", [fault])


def not_found(what: str) -> Problem:
    """What does not exist for this caller, whether or not it exists for another."""
    return Problem(404, "not_found", f"There is no {what}.")


def not_materialized(table: str, session: Any) -> Problem:
    """Rows that have not been computed; the document names the table and the session that would supply them."""
    when = f" for {session}" if session else ""
    detail = f"{table} is not computed{when}: `sigmasight run` computes the sessions that are missing."
    return Problem(404, "not_materialized", detail, table=table, session=None if session is None else str(session))


def shown(value: Any) -> Any:
    """A value as an error may repeat it: short, and never a nested document."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if abs(value) < LARGEST_NUMBER else str(value)[:LONGEST_VALUE]  # infinity, NaN and more than programs read exactly
    text = str(value) if isinstance(value, (str, Decimal)) else type(value).__name__
    return text[:LONGEST_VALUE]


def problem_response(request: Request, problem: Problem) -> Response:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        "code": problem.code,
        "request_id": request.scope.get("request_id"),
        "errors": list(problem.errors),
        **problem.more,
    }
    return Response(orjson.dumps(document, default=str), problem.status, dict(problem.headers or {}), PROBLEM_JSON)


def install(app: FastAPI) -> None:
    """Answer every exception that a request can end with."""

    @app.exception_handler(Problem)
    def known(request: Request, problem: Problem) -> Response:
        return problem_response(request, problem)

    @app.exception_handler(RequestValidationError)
    def refused(request: Request, error: RequestValidationError) -> Response:
        faults = [
            {"loc": list(fault["loc"]), "code": fault["type"], "message": fault["msg"], "value": _value(fault)} for fault in error.errors()
        ]
        words = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['message']}" for fault in faults[:3])
        return problem_response(request, Problem(422, "invalid_request", words or "The request cannot be read.", faults))

    @app.exception_handler(StarletteHTTPException)
    def http(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # the framework's word for a body that is no JSON text at all
            return problem_response(request, Problem(422, "invalid_request", str(error.detail)))
        code = HTTPStatus(error.status_code).name.lower()
        return problem_response(request, Problem(error.status_code, code, str(error.detail), headers=error.headers))

    @app.exception_handler(NotFound)
    def absent(request: Request, error: NotFound) -> Response:
        return problem_response(request, Problem(404, "not_found", str(error)))

    @app.exception_handler(LedgerConflict)
    def conflicting(request: Request, error: LedgerConflict) -> Response:
        return problem_response(request, Problem(409, "conflict", str(error)))

    @app.exception_handler(LedgerRefused)
    @app.exception_handler(NotASession)
    @app.exception_handler(InvalidSymbol)
    def unacceptable(request: Request, error: Exception) -> Response:
        return problem_response(request, Problem(422, "refused", str(error)))

    @app.exception_handler(DatabaseUnavailable)
    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def unavailable(request: Request, error: Exception) -> Response:
        LOG.error("database unavailable", extra={"request_id": request.scope.get("request_id"), "error": type(error).__name__})
        detail = "The database does not answer: try again in a moment. `sigmasight doctor` on the server says what is wrong."
        return problem_response(request, Problem(503, "database_unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)}))

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it with its trace
        detail = "The server failed on this request; its log says why under this request id."
        return problem_response(request, Problem(500, "internal_error", detail))


def _value(fault: Mapping[str, Any]) -> Any:
    """What was sent, unless it may be a secret."""
    is_secret = any(part in ("password", "client_secret") for part in fault["loc"])
    return None if is_secret or fault["type"] == "missing" else shown(fault.get("input"))
