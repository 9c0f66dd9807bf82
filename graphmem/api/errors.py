"""From our errors to HTTP: a table of statuses, and problem details (RFC 9457) as bodies.

Does not know routes or stores. A body never holds a trace, nor the message of a fault on our side,
which may name files and hosts: that one goes to the log.
"""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from graphmem import errors

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1

# By class; what is not named here has the status of the nearest class above it.
STATUSES: Final[Mapping[type[errors.GraphmemError], int]] = {
    errors.GraphmemError: 500,
    errors.InvalidInput: 400,
    errors.TooLarge: 413,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.LeaseLost: 409,
    errors.StoreError: 500,
    errors.StoreUnavailable: 503,
    errors.ReadOnlyStore: 503,
    errors.Unsupported: 501,
    errors.ExtractionError: 502,
    errors.ModelUnavailable: 503,
    errors.MissingExtra: 500,
}


def status_of(error: errors.GraphmemError) -> int:
    return next(STATUSES[c] for c in type(error).__mro__ if c in STATUSES)


def problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Return a response with problem details; ``code`` names our error class."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **({"code": code} if code else {}),
        **members,
    }
    return Response(
        # "replace": what a client sent may come back in a message, and need not be text.
        json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


async def _ours(_: Request, error: Exception) -> Response:
    if not isinstance(error, errors.GraphmemError):
        raise error
    status = status_of(error)
    detail = str(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
        detail = (type(error).__doc__ or "").strip().splitlines()[0]
    return problem(
        status,
        detail,
        code=type(error).__name__,
        headers={"Retry-After": str(RETRY_AFTER_S)} if error.retryable else None,
        retryable=error.retryable,
    )


async def _malformed(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [
        {"field": ".".join(str(part) for part in e["loc"]), "message": _message(e)}
        for e in error.errors()
    ]
    first = found[0]
    return problem(422, f"{first['field']}: {first['message']}", code="Malformed", errors=found)


def _message(error: Mapping[str, Any]) -> str:
    reason = error.get("ctx", {}).get("error")
    if error["type"] == "json_invalid":
        return f"not JSON: {reason}"
    return str(reason) if isinstance(reason, ValueError) else str(error["msg"])


async def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # The framework's word for a body that its parser gave up on; none of ours raises it.
        detail = "body: not JSON in UTF-8, or nested too deeply"
        return problem(422, detail, code="Malformed")
    return problem(error.status_code, error.detail, headers=error.headers)


async def _unexpected(_: Request, error: Exception) -> Response:
    log.error("unexpected %s", type(error).__name__)
    return problem(500, "Something went wrong on our side; it has been logged.")


def install(app: FastAPI) -> None:
    """Answer every error of this app with problem details."""
    app.add_exception_handler(errors.GraphmemError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
