"""Bodies over the limit are refused, declared or not, before anybody parses them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from graphmem.api.limits import BodyLimit


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size):
        yield b"x"


@pytest.fixture
async def echoing() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(BodyLimit(echo, 10))
    async with httpx.AsyncClient(transport=transport, base_url="http://memory.test") as client:
        yield client


async def test_body_within_the_limit_passes(echoing: httpx.AsyncClient) -> None:
    assert (await echoing.post("/", content=b"0123456789")).content == b"0123456789"
    assert (await echoing.post("/", content=pieces(10))).content == b"x" * 10
    assert (await echoing.get("/")).content == b""


async def test_body_over_the_limit_is_refused(echoing: httpx.AsyncClient) -> None:
    declared = await echoing.post("/", content=b"0123456789+")
    streamed = await echoing.post("/", content=pieces(11))
    lying = await echoing.post("/", content=pieces(11), headers={"content-length": "3"})

    for response in (declared, streamed, lying):
        assert response.status_code == 413
        assert "10 bytes" in response.json()["detail"]


async def test_declared_length_that_is_no_number_is_measured(echoing: httpx.AsyncClient) -> None:
    headers = {"content-length": "-1"}

    assert (await echoing.post("/", content=pieces(3), headers=headers)).content == b"xxx"
    assert (await echoing.post("/", content=pieces(11), headers=headers)).status_code == 413


async def test_declared_giant_is_refused_unread() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nobody should read it")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"99999999999")]}
    await BodyLimit(echo, 10)(scope, receive, send)

    assert sent[0]["status"] == 413


async def test_client_that_leaves_is_no_error() -> None:
    sent: list[Message] = []
    leaving: list[Message] = [
        {"type": "http.request", "body": b"01", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return leaving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(echo, 10)({"type": "http", "headers": []}, receive, send)

    assert sent[1]["body"] == b"01"


async def test_lifespan_passes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await BodyLimit(app, 10)({"type": "lifespan"}, receive, send)

    assert seen == ["lifespan"]
