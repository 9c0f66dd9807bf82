"""The routes: what they do, what they refuse, and that they are the ones described."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from graphmem import bootstrap
from graphmem.api.main import create_app
from graphmem.api.schemas import MAX_EVENTS
from graphmem.context.tokens import counter
from graphmem.manager import MemoryManager
from graphmem.models import Scope
from graphmem.settings import Settings
from graphmem.testing.fakes import HashEmbedder
from tests.api.conftest import NOW, Clock, client_of

ROUTES = {
    ("post", "/v1/sessions"): "create_session",
    ("get", "/v1/sessions/{session_id}"): "get_session",
    ("post", "/v1/sessions/{session_id}/events"): "append_events",
    ("post", "/v1/memories/search"): "search_memories",
    ("post", "/v1/context"): "build_context",
    ("get", "/healthz"): "check_health",
}
EVENTS = "/v1/sessions/s1/events"


async def say(client: httpx.AsyncClient, *texts: str, user: str = "default") -> None:
    events = [{"id": f"m{n}", "content": text} for n, text in enumerate(texts)]
    response = await client.post(EVENTS, json={"scope": {"user": user}, "events": events})
    assert response.status_code == 201


def detail(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    return response.json()["detail"]


# --------------------------------------------------------------------------- the description


def test_description_names_the_routes(app: FastAPI) -> None:
    found = {
        (method, path): operation["operationId"]
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    }

    assert found == ROUTES


def test_description_has_examples_that_work(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]

    for name in ("SessionBody", "EventsBody", "SearchBody", "ContextBody", "Problem"):
        assert schemas[name]["examples"], name
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["422"]["content"], path
    for reference in set(_references(app.openapi())):
        assert reference.rpartition("/")[2] in schemas


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [r for each in value.values() for r in _references(each)]
    if isinstance(value, list):
        return [r for each in value for r in _references(each)]
    return []


async def test_examples_of_the_description_work(app: FastAPI, client: httpx.AsyncClient) -> None:
    schemas = app.openapi()["components"]["schemas"]
    calls = [
        ("/v1/sessions", "SessionBody", 201),
        ("/v1/sessions/lisbon-trip/events", "EventsBody", 201),
        ("/v1/memories/search", "SearchBody", 200),
        ("/v1/context", "ContextBody", 200),
    ]

    for path, name, status in calls:
        response = await client.post(path, json=schemas[name]["examples"][0])
        assert response.status_code == status, response.text


# --------------------------------------------------------------------------- sessions


async def test_session_is_created_and_found(client: httpx.AsyncClient) -> None:
    body = {"scope": {"app": "boats", "user": "runa", "session": "a/b"}, "metadata": {"k": [1]}}

    made = await client.post("/v1/sessions", json=body)
    found = await client.get(made.headers["location"], params={"app": "boats", "user": "runa"})

    assert made.status_code == 201
    assert made.headers["location"] == "/v1/sessions/a%2Fb"
    assert found.json() == made.json()
    assert found.json()["id"] == "a/b"
    assert found.json()["metadata"] == {"k": [1]}
    assert found.json()["created_at"] == "2026-05-20T12:00:00Z"


async def test_session_without_id_gets_one(client: httpx.AsyncClient) -> None:
    first, second = [(await client.post("/v1/sessions", json={})).json()["id"] for _ in range(2)]

    assert first != second
    assert (await client.get(f"/v1/sessions/{first}")).status_code == 200


async def test_session_expires_when_it_should(client: httpx.AsyncClient) -> None:
    body = {"scope": {"session": "s1"}, "expires_in_s": 60}

    assert (await client.post("/v1/sessions", json=body)).json()["expires_at"] == (
        "2026-05-20T12:01:00Z"
    )


async def test_session_twice_is_a_conflict(client: httpx.AsyncClient) -> None:
    body = {"scope": {"session": "s1"}}
    await client.post("/v1/sessions", json=body)

    assert "'s1' exists already" in detail(await client.post("/v1/sessions", json=body), 409)


async def test_two_creates_at_once_make_one_session(client: httpx.AsyncClient) -> None:
    body = {"scope": {"session": "s1"}}

    answers = await asyncio.gather(*(client.post("/v1/sessions", json=body) for _ in range(8)))

    assert sorted(a.status_code for a in answers) == [201] + [409] * 7


async def test_session_of_another_user_is_not_found(client: httpx.AsyncClient) -> None:
    await client.post("/v1/sessions", json={"scope": {"user": "runa", "session": "s1"}})

    assert detail(await client.get("/v1/sessions/s1", params={"user": "olaf"}), 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": {"session": ""}}, 422),
        ({"scope": {"session": "x" * 257}}, 422),
        ({"scope": {"session": " x"}}, 400),
        ({"scope": {"session": "x", "agent": "a"}}, 422),
        ({"scope": {"user": None, "session": "x"}}, 400),
        ({"expires_in_s": 0}, 422),
        ({"expires_in_s": "soon"}, 422),
        ({"metadata": "x"}, 422),
        (
            {
                "metadata": {
                    "deep": [
                        [
                            [
                                [
                                    [
                                        [
                                            [
                                                [
                                                    [
                                                        [
                                                            [
                                                                [
                                                                    [
                                                                        [
                                                                            [
                                                                                [
                                                                                    [
                                                                                        [
                                                                                            [
                                                                                                [
                                                                                                    [
                                                                                                        [
                                                                                                            [
                                                                                                                [
                                                                                                                    [
                                                                                                                        [
                                                                                                                            [
                                                                                                                                [
                                                                                                                                    [
                                                                                                                                        [
                                                                                                                                            [
                                                                                                                                                [
                                                                                                                                                    [
                                                                                                                                                        [
                                                                                                                                                            [
                                                                                                                                                                [
                                                                                                                                                                    [
                                                                                                                                                                        [
                                                                                                                                                                            [
                                                                                                                                                                                [
                                                                                                                                                                                    [
                                                                                                                                                                                        []
                                                                                                                                                                                    ]
                                                                                                                                                                                ]
                                                                                                                                                                            ]
                                                                                                                                                                        ]
                                                                                                                                                                    ]
                                                                                                                                                                ]
                                                                                                                                                            ]
                                                                                                                                                        ]
                                                                                                                                                    ]
                                                                                                                                                ]
                                                                                                                                            ]
                                                                                                                                        ]
                                                                                                                                    ]
                                                                                                                                ]
                                                                                                                            ]
                                                                                                                        ]
                                                                                                                    ]
                                                                                                                ]
                                                                                                            ]
                                                                                                        ]
                                                                                                    ]
                                                                                                ]
                                                                                            ]
                                                                                        ]
                                                                                    ]
                                                                                ]
                                                                            ]
                                                                        ]
                                                                    ]
                                                                ]
                                                            ]
                                                        ]
                                                    ]
                                                ]
                                            ]
                                        ]
                                    ]
                                ]
                            ]
                        ]
                    ]
                }
            },
            422,
        ),
        ([], 422),
    ],
)
async def test_session_that_is_wrong_is_refused(
    client: httpx.AsyncClient, body: Any, status: int
) -> None:
    assert detail(await client.post("/v1/sessions", json=body), status)


async def test_query_that_is_wrong_is_refused(client: httpx.AsyncClient) -> None:
    assert "NUL" in detail(await client.get("/v1/sessions/a%00b"), 422)
    assert "user" in detail(await client.get("/v1/sessions/s1", params={"user": ""}), 422)


# --------------------------------------------------------------------------- events


async def test_events_are_stored_in_order(client: httpx.AsyncClient) -> None:
    first = await client.post(EVENTS, json={"events": [{"id": "m1", "content": "Ahoy"}]})
    more = [{"id": "m1", "content": "Ahoy"}, {"id": "m2", "role": "assistant", "content": "Aye"}]
    second = await client.post(EVENTS, json={"events": more})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["events"] == [{"id": "m1", "seq": 1}]
    assert second.json() == {
        "events": [{"id": "m1", "seq": 1}, {"id": "m2", "seq": 2}],
        "stored": 1,
        "known": ["m1"],
        "forgotten": [],
    }
    assert (await client.get("/v1/sessions/s1")).json()["events"] == 2


async def test_events_are_durable_when_acknowledged(
    client: httpx.AsyncClient, memory_settings: Settings
) -> None:
    await say(client, "The boat is in Bergen.")

    async with bootstrap.open_manager(memory_settings, embedder=HashEmbedder()) as other:
        events = await other.sessions.events(Scope(session="s1"))

    assert [e.text for e in events] == ["The boat is in Bergen."]


async def test_events_keep_all_that_is_said(
    client: httpx.AsyncClient, manager: MemoryManager
) -> None:
    event = {
        "id": "m1",
        "type": "tool_result",
        "role": "tool",
        "author": "Tides",
        "agent": "pilot",
        "occurred_at": "2024-05-01T14:00:00+02:00",
        "metadata": {"port": 7},
        "parts": [
            {"type": "text", "text": "High at six."},
            {"type": "json", "value": [None, 6]},
            {"type": "image", "uri": "u", "caption": "a chart"},
            {"type": "file", "uri": "u", "name": "tides.pdf", "media_type": None},
        ],
    }

    response = await client.post(EVENTS, json={"events": [event]})
    (stored,) = await manager.sessions.events(Scope(session="s1"))

    assert response.status_code == 201, response.text
    assert (stored.type, stored.role, stored.source_class) == ("tool_result", "tool", "tool")
    assert (stored.author, stored.agent) == ("Tides", "pilot")
    assert stored.occurred_at.isoformat() == "2024-05-01T12:00:00+00:00"
    assert stored.metadata == {"port": 7}
    assert stored.text == "High at six.\n[image: a chart]\n[file: tides.pdf]"


async def test_events_without_ids_are_all_new(client: httpx.AsyncClient) -> None:
    body = {"events": [{"content": "Ahoy"}, {"content": "Ahoy", "id": None}]}
    await client.post(EVENTS, json=body)
    again = await client.post(EVENTS, json=body)

    assert [e["seq"] for e in again.json()["events"]] == [3, 4]


async def test_events_without_times_happened_just_now(
    client: httpx.AsyncClient, manager: MemoryManager
) -> None:
    """In order, and none in the future: a search right afterwards sees them all."""
    await say(client, "One", "Two", "Three")

    times = [e.occurred_at for e in await manager.sessions.events(Scope(session="s1"))]

    assert times == sorted(set(times))
    assert times[-1] == NOW


async def test_event_changed_is_a_conflict_and_stores_nothing(client: httpx.AsyncClient) -> None:
    await say(client, "Ahoy")
    events = [{"id": "new", "content": "More"}, {"id": "m0", "content": "Goodbye"}]

    assert "other content" in detail(await client.post(EVENTS, json={"events": events}), 409)
    assert (await client.get("/v1/sessions/s1")).json()["events"] == 1


@pytest.mark.parametrize(
    ("event", "status", "why"),
    [
        ({"content": "x", "source_class": "user_direct"}, 422, "source_class"),
        ({"content": "x", "origin": "explicit"}, 422, "origin"),
        ({"content": "x", "session": "s2"}, 422, "session"),
        ({"content": "x", "role": "captain"}, 422, "role"),
        ({"content": "x", "type": "shout"}, 422, "type"),
        ({"content": "x", "occurred_at": "2024-05-01T12:00:00"}, 422, "timezone"),
        ({"content": "x", "occurred_at": "2031-05-01T12:00:00Z"}, 400, "out of range"),
        ({"content": "x", "parts": [{"type": "text", "text": "y"}]}, 400, "not both"),
        ({"parts": []}, 422, "parts"),
        ({"parts": [{"type": "text"}]}, 422, "text"),
        ({"parts": [{"type": "audio"}]}, 422, "audio"),
        ({"role": "user"}, 400, "is empty"),
        ({"content": ""}, 400, "is empty"),
        ({"content": "x\0"}, 422, "NUL"),
        ({"content": "\ud800"}, 422, "lone surrogate"),
        ({"content": "x", "metadata": {"\udfff": 1}}, 422, "lone surrogate"),
        ({"content": "x", "metadata": {"a": [{"b": "\0"}]}}, 422, "NUL"),
        ({"content": "x", "metadata": {"a": float("nan")}}, 422, "no JSON number"),
        ({"content": "x", "metadata": {"a": float("-inf")}}, 422, "no JSON number"),
        ({"content": "x" * 65537}, 413, "the limit is 65536 bytes"),
        ({"content": "x", "author": "A\nB"}, 400, "author"),
        ({"content": "x", "\ud800": 1}, 422, "surrogate"),
    ],
)
async def test_event_that_is_wrong_is_refused(
    client: httpx.AsyncClient, event: Any, status: int, why: str
) -> None:
    raw = json.dumps({"events": [{"id": "m1", "content": "fine"}, {"id": "m2", **event}]})
    response = await client.post(EVENTS, content=raw, headers={"content-type": "application/json"})

    assert why in detail(response, status)
    assert (await client.get("/v1/sessions/s1")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"events": []}, 422),
        ({"events": [{"content": "x"}] * (MAX_EVENTS + 1)}, 422),
        ({"events": [{"content": "x"}], "scope": {"session": "s2"}}, 400),
        ({"events": [{"content": "x"}], "scope": {"session": "s1"}}, 201),
        ({"events": [{"content": "x"}], "scope": {"user": None}}, 400),
    ],
)
async def test_events_that_are_wrong_are_refused(
    client: httpx.AsyncClient, body: Any, status: int
) -> None:
    assert (await client.post(EVENTS, json=body)).status_code == status


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "body"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"events": "\xc3"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"events": ' + b"9" * 9000 + b"}", "not JSON"),
        (b"null", "body"),
        (b'"text"', "body"),
    ],
)
async def test_body_that_is_no_object_is_refused(
    client: httpx.AsyncClient, body: bytes, why: str
) -> None:
    response = await client.post(EVENTS, content=body, headers={"content-type": "application/json"})

    assert why in detail(response, 422)


async def test_body_of_another_type_is_refused(client: httpx.AsyncClient) -> None:
    body = b'{"events": [{"content": "x"}]}'

    response = await client.post(EVENTS, content=body, headers={"content-type": "text/plain"})

    assert detail(response, 422)


async def test_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    body = {"events": [{"content": "x" * 60_000}] * 8}

    assert "400000 bytes" in detail(await client.post(EVENTS, json=body), 413)


async def test_expired_session_takes_no_events(client: httpx.AsyncClient, clock: Clock) -> None:
    await client.post("/v1/sessions", json={"scope": {"session": "s1"}, "expires_in_s": 5})
    clock.now += timedelta(seconds=5)

    response = await client.post(EVENTS, json={"events": [{"content": "x"}]})

    assert "has expired" in detail(response, 409)


# --------------------------------------------------------------------------- search, context


async def test_search_finds_facts_and_says_why(
    client: httpx.AsyncClient, manager: MemoryManager
) -> None:
    await say(client, "Runa|lives_in|Bergen", "Nothing to see here")
    await manager.generate_memories(Scope())

    response = await client.post("/v1/memories/search", json={"query": "Where does Runa live?"})

    assert response.status_code == 200
    best = response.json()["hits"][0]
    assert best["kind"] == "fact"
    assert best["event_ids"] == ["m0"]
    assert "Bergen" in best["text"]
    assert best["arms"]
    assert best["source_class"] == "user_direct"


async def test_search_sees_its_own_scope_alone(
    client: httpx.AsyncClient, manager: MemoryManager
) -> None:
    await say(client, "Runa|lives_in|Bergen", user="runa")
    await manager.generate_memories(Scope(user="runa"))
    question = {"query": "Where does Runa live?"}

    other = await client.post("/v1/memories/search", json=question | {"scope": {"user": "olaf"}})
    own = await client.post("/v1/memories/search", json=question | {"scope": {"user": "runa"}})

    assert other.json() == {"hits": []}
    assert own.json()["hits"]


async def test_search_filters_and_limits(client: httpx.AsyncClient, manager: MemoryManager) -> None:
    await say(client, "Runa|lives_in|Bergen", "Runa|likes|boats")
    await manager.generate_memories(Scope())
    question = {"query": "What about Runa?", "top_k": 1}
    kinds = {"kinds": ["fact"], "predicate": "likes", "occurred_from": "2020-01-01T00:00:00Z"}

    (hit,) = (await client.post("/v1/memories/search", json=question | {"filter": kinds})).json()[
        "hits"
    ]
    nothing = await client.post(
        "/v1/memories/search", json=question | {"filter": {"min_importance": 1}}
    )

    assert "boats" in hit["text"]
    assert nothing.json() == {"hits": []}


@pytest.mark.parametrize("query", ['"', "AND", "bo*", "text:x", "NEAR(a b)", "); --", "🛶" * 500])
async def test_syntax_in_a_question_is_text(client: httpx.AsyncClient, query: str) -> None:
    await say(client, "The boat is in Bergen.")

    response = await client.post("/v1/memories/search", json={"query": query})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"query": ""}, 422),
        ({"query": "  "}, 400),
        ({"query": "x\0"}, 422),
        ({"query": "x" * 65537}, 413),
        ({"query": "x", "top_k": 0}, 422),
        ({"query": "x", "top_k": 1001}, 422),
        ({"query": "x", "top_k": True}, 422),
        ({"query": "x", "filter": {"colour": "red"}}, 422),
        ({"query": "x", "filter": {"min_confidence": 2}}, 422),
        (
            {
                "query": "x",
                "filter": {
                    "valid_from": "2024-01-02T00:00:00Z",
                    "valid_to": "2024-01-01T00:00:00Z",
                },
            },
            400,
        ),
        ({"query": "x", "as_of": "yesterday"}, 422),
        ({"query": "x", "scope": {"app": ""}}, 422),
    ],
)
async def test_search_that_is_wrong_is_refused(
    client: httpx.AsyncClient, body: Any, status: int
) -> None:
    assert detail(await client.post("/v1/memories/search", json=body), status)


async def test_context_stays_within_its_budget(
    client: httpx.AsyncClient, manager: MemoryManager
) -> None:
    await say(client, *(f"Runa|likes|boat number {n}" for n in range(60)))
    await manager.generate_memories(Scope())
    body = {
        "query": "What does Runa like?",
        "budget": 300,
        "system": "Be kind.",
        "scope": {"session": "s1"},
        "tools": [{"name": "tides"}],
    }

    found = (await client.post("/v1/context", json=body)).json()

    text = "\n\n".join(part for part in found["parts"].values() if part)
    assert list(found["parts"]) == ["system", "memories", "knowledge", "history", "state", "tools"]
    assert found["tokens"] == counter()(text) <= found["budget"] == 300
    assert found["parts"]["system"] == "Be kind."
    assert "boat number 59" in found["parts"]["history"]
    assert {d["why"] for d in found["dropped"]} >= {"over budget"}
    assert {b["band"] for b in found["blocks"]} >= {"system", "memories", "history", "tools"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "x"}, 422),
        ({"budget": 0}, 422),
        ({"budget": 1.5}, 422),
        ({"budget": 10**9}, 422),
        ({"budget": 3, "system": "You help with boats and tides."}, 400),
        ({"budget": 100, "tools": ["tides"]}, 422),
        ({"budget": 100, "system": "\ud800"}, 422),
        ({"budget": 100}, 200),
    ],
)
async def test_context_that_is_wrong_is_refused(
    client: httpx.AsyncClient, body: Any, status: int
) -> None:
    response = await client.post(
        "/v1/context", content=json.dumps(body), headers={"content-type": "application/json"}
    )

    assert response.status_code == status
    assert status != 400 or response.json()["code"] == "BudgetTooSmall"


# --------------------------------------------------------------------------- the service


async def test_health_is_that_of_the_store(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok", "version": app.version}


async def test_path_and_method_unknown_are_problems(client: httpx.AsyncClient) -> None:
    assert detail(await client.get("/v2/sessions"), 404) == "Not Found"
    response = await client.delete("/v1/context")

    assert detail(response, 405) == "Method Not Allowed"
    assert response.headers["allow"] == "POST"


async def test_fault_of_ours_is_a_bare_500(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.manager = None

    response = await client.get("/healthz")

    assert "went wrong" in detail(response, 500)
    assert "NoneType" not in response.text


async def test_service_opens_and_closes_its_memory(memory_settings: Settings, clock: Clock) -> None:
    app = create_app(memory_settings, clock=clock)

    for _ in range(2):
        async with app.router.lifespan_context(app), client_of(app) as client:
            assert (await client.get("/healthz")).status_code == 200
            await say(client, "The boat is in Bergen.")

    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/v1/sessions/s1")).json()["events"] == 1


async def test_service_reads_the_environment_when_it_starts(
    monkeypatch: pytest.MonkeyPatch, memory_settings: Settings
) -> None:
    app = create_app()
    monkeypatch.setenv("GRAPHMEM_STORE", memory_settings.store)
    monkeypatch.setenv("GRAPHMEM_WORKER", "off")

    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/healthz")).status_code == 200
