"""Every error of ours has the status that its tree is drawn with, and a body without secrets."""

import re

import httpx
import pytest
from fastapi import FastAPI

from graphmem import errors
from graphmem.api.errors import STATUSES, install, status_of
from tests.api.conftest import client_of

DRAWN = {
    name: (int(status), retryable == "yes")
    for name, status, retryable in re.findall(
        r"(\w+) +(\d{3}) +(yes|no)$", errors.__doc__ or "", re.M
    )
}
MADE: dict[str, errors.GraphmemError] = {
    "BudgetTooSmall": errors.BudgetTooSmall(5, 9),
    "TooLarge": errors.TooLarge("the text", 9, 5),
    "EmbeddingMismatch": errors.EmbeddingMismatch("a", "b"),
    "MissingExtra": errors.MissingExtra("llm", "litellm"),
}


def make(name: str) -> errors.GraphmemError:
    return MADE.get(name) or getattr(errors, name)("the secret is /srv/m.db")


def every() -> set[str]:
    found = {errors.GraphmemError}
    waiting = [errors.GraphmemError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found |= set(below)
        waiting += below
    return {c.__name__ for c in found if c.__module__ == "graphmem.errors"}


async def ask(error: Exception) -> httpx.Response:
    app = FastAPI()
    install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    async with client_of(app) as client:
        return await client.get("/")


def test_tree_draws_every_error() -> None:
    assert set(DRAWN) | {"GraphmemError"} == every()


@pytest.mark.parametrize("name", sorted(DRAWN))
async def test_error_has_its_status(name: str) -> None:
    error = make(name)
    status, retryable = DRAWN[name]

    response = await ask(error)

    body = response.json()
    assert response.status_code == body["status"] == status == status_of(error)
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["retryable"]) == (name, retryable)
    assert (response.headers.get("retry-after") == "1") is retryable
    assert ("secret" in body["detail"]) is (status < 500 and name not in MADE)


async def test_new_error_has_the_status_of_its_parent() -> None:
    class Sleepy(errors.StoreUnavailable):
        """The store naps."""

    assert Sleepy not in STATUSES
    response = await ask(Sleepy())

    assert response.status_code == 503
    assert response.json()["detail"] == "The store naps."


async def test_unexpected_error_tells_nothing() -> None:
    response = await ask(RuntimeError("the secret is /srv/m.db"))

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.json()["title"] == "Internal Server Error"


async def test_detail_that_is_no_text_can_be_sent() -> None:
    response = await ask(errors.NotFound("no \ud800 here"))

    assert response.json()["detail"] == "no ? here"
