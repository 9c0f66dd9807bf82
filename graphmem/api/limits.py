"""Refuse a request body over the limit before anything parses it.

Knows nothing of what the body says. The body is read whole here, up to the limit, since an error
raised while the framework reads it would come back as one of its own.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphmem.api.errors import problem

MAX_BODY_BYTES: Final = 8 * 1024 * 1024


class BodyLimit:
    """ASGI middleware: 413 for a body over ``limit`` bytes, declared or sent."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        body = None
        if not declared.isdigit() or int(declared) <= self._limit:
            body = await self._read(receive)
        if body is None:
            refusal = problem(
                413,
                f"the request body is over the limit of {self._limit} bytes",
                code="TooLarge",
                headers={"Connection": "close"},
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, _Replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        found = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return bytes(found)  # gone; the application's own read will see it
            found += message.get("body", b"")
            if len(found) > self._limit:
                return None
            if not message.get("more_body", False):
                return bytes(found)


class _Replay:
    """Hand out a body that was read already, then whatever the server says next."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
