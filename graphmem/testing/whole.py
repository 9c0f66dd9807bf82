"""Whole memories made by hand, record by record, for tests of what moves them.

Does not know any store; what they hold fits together as a store would have it.
"""

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from graphmem import ids
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Event,
    Extraction,
    Fact,
    FilePart,
    ImagePart,
    JsonPart,
    Mention,
    Quote,
    Scope,
    Session,
    SourceClass,
    Statement,
    TextPart,
    Watermark,
)
from graphmem.records import (
    Cursor,
    EmbeddingModel,
    ErasedEvent,
    ErasedId,
    Erasure,
    ErasureKey,
    Fence,
    GraphRecord,
    KeptExtraction,
    LoggedEvent,
    LogRecord,
    StoredEmbedding,
)
from graphmem.testing.memories import (
    EMBEDDER,
    MODEL,
    day,
    make_assertion,
    make_embedding,
    make_entity,
    make_episode,
    make_fact,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
KEY = bytes(range(32))
ADA = Scope(app="moving", user="ada")
BOB = Scope(app="moving", user="bob")
ALL = Scope(app="moving", user=None)


# --------------------------------------------------------------------------- the log


def make_said(scope: Scope, number: int, text: str = "hello", **given: Any) -> LoggedEvent:
    fields: dict[str, Any] = {
        "id": f"e{number}",
        "parts": (TextPart(text=text),),
        "occurred_at": NOW - timedelta(days=1),
        "session_id": "s1",
        "seq": number,
        "recorded_at": NOW,
    }
    return LoggedEvent(scope=scope, event=Event(**{**fields, **given}))


def mac_of(scope: Scope, session_id: str, event_id: str) -> bytes:
    episode_id = ids.episode(scope.app, scope.user, session_id, event_id)
    return hmac.digest(KEY, episode_id.encode(), "sha256")


def log_records() -> list[LogRecord]:
    """A log with some of everything.

    Of Ada's six events one is erased and two wait, begun; Bob's stream is parked at its only one.
    """
    return [ErasureKey(key=KEY), *_sessions(), *_cursors(), *_events(), *_traces()]


def _traces() -> list[LogRecord]:
    """What was read in events, and what is left of one."""
    said = Statement(
        subject=Mention(name="", kind="person", speaker=True),
        predicate="likes",
        value="rum",
        valid_from=NOW,
        quote=Quote(text="I like rum", start=0, end=10),
    )
    return [
        ErasedEvent(scope=ADA, seq=2, recorded_at=NOW),
        KeptExtraction(
            scope=ADA,
            seq=5,
            extraction=Extraction(event_id="e5", extractor="x/1", statements=(said,)),
        ),
        KeptExtraction(scope=ADA, seq=6, extraction=Extraction(event_id="e6", extractor="x/1")),
        Erasure(id="closed", scope=ADA, events=1, opened_at=NOW, closed_at=NOW),
        Erasure(
            id="open",
            scope=ADA,
            episode_ids=(ids.episode(ADA.app, ADA.user, "s1", "e1"),),
            events=1,
            opened_at=NOW,
        ),
        ErasedId(scope=ADA, mac=mac_of(ADA, "s1", "e2")),
    ]


def _sessions() -> list[LogRecord]:
    session = Session(
        id="s1",
        scope=replace(ADA, session="s1"),
        state={"step": 3, "käse": ["\U0001f9c0", None], "of": {"x": 1.5}},
        metadata={"topic": "boats"},
        created_at=NOW,
        updated_at=NOW + timedelta(microseconds=1),
        expires_at=NOW + timedelta(days=9),
    )
    return [
        session,
        Session(
            id="s2",
            scope=replace(ADA, session="s2"),
            created_at=NOW,
            updated_at=NOW,
            private_to="planner",
        ),
        Session(id="s1", scope=replace(BOB, session="s1"), created_at=NOW, updated_at=NOW),
        Session(id="@own", scope=replace(ALL, session="@own"), created_at=NOW, updated_at=NOW),
    ]


def _cursors() -> list[LogRecord]:
    return [
        Cursor(
            scope=ADA,
            last_seq=6,
            done_seq=4,
            fence=7,
            attempts=2,
            not_before=NOW,
            batch_first=5,
            batch_last=6,
            stage="facts",
            reason="ModelUnavailable: away",
        ),
        Cursor(
            scope=BOB,
            last_seq=1,
            done_seq=0,
            fence=3,
            attempts=1,
            parked=True,
            reason="poison",
            batch_first=1,
            batch_last=1,
        ),
        Cursor(scope=ALL, last_seq=1, done_seq=1, fence=1, batch_first=1, batch_last=1),
    ]


def _events() -> list[LogRecord]:
    return [
        make_said(ADA, 1, "käse \U0001f9c0\n\t“quoted”", author="Ada", metadata={"n": [1, {}]}),
        make_said(
            ADA,
            3,
            parts=(
                JsonPart(value={"a": None, "b": [True, 2, 0.25]}),
                JsonPart(value=None),
                ImagePart(uri="i.png", media_type="image/png", caption="a boat"),
                FilePart(uri="f.pdf", name="deed"),
            ),
            type="tool_result",
            role="tool",
            source_class=SourceClass.TOOL,
            origin="tool",
        ),
        make_said(ADA, 4, session_id="s2", private_to="planner", agent="planner", stamped=True),
        make_said(ADA, 5, "I like rum"),
        make_said(ADA, 6, type="system_event", role="system", source_class=SourceClass.OPERATOR),
        make_said(BOB, 1, "hello", origin="explicit"),
        make_said(ALL, 1, session_id="@own", id="for all"),
    ]


def new(number: int, text: str = "hello") -> Event:
    """Return the event of a number as a client gives it to the log."""
    return replace(make_said(ADA, number, text).event, seq=None, recorded_at=None)


# --------------------------------------------------------------------------- the graph


async def graph_records() -> list[GraphRecord]:
    """A graph with some of everything, in four scopes, with vectors by two models."""
    entities, episodes = _talk()
    assertions, facts = _statements(entities, episodes)
    items = (*episodes, *{fact.id: fact for fact in facts}.values())
    embedded = [await make_embedding(item) for item in items]
    embedded[0] = await make_embedding(episodes[0], "käse", "the boat Ines")
    other = np.array([[0.6, 0.8, 0.0], [1e-30, -1.0, 3.4e-5]], dtype=np.float32)
    return [
        EmbeddingModel(id=MODEL, dimension=EMBEDDER.dimension, active=True),
        EmbeddingModel(id="other/3", dimension=3, active=False),
        Fence(stream=ADA.stream, fence=7),
        Fence(stream=BOB.stream, fence=2),
        Watermark(stream=ADA.stream, stage="episodes", seq=4),
        Watermark(stream=ADA.stream, stage="facts", seq=2),
        Watermark(stream=BOB.stream, stage="episodes", seq=1),
        *entities,
        *episodes,
        *assertions,
        *facts,
        *(StoredEmbedding(model_id=MODEL, embedding=e) for e in embedded),
        StoredEmbedding(
            model_id="other/3",
            embedding=Embedding(item_id=episodes[0].id, kind="episode", vectors=other),
        ),
    ]


def _talk() -> tuple[tuple[Entity, ...], tuple[Episode, ...]]:
    agent = replace(ADA, agent="planner")
    ada = make_entity(
        ADA, "Ada", aliases=("Captain",), descriptors=("x@y",), summary="sails", importance=0.75
    )
    ines = make_entity(ADA, "Ines", kind="thing", updated_at=NOW)
    trail = replace(make_entity(ADA, "Inez", kind="thing"), same_as=ines.id)
    planner, bob, harbour = (
        make_entity(agent, "Ada"),
        make_entity(BOB, "Bob"),
        make_entity(ALL, "Harbour", kind="place"),
    )
    both = tuple(sorted((ada.id, ines.id)))
    episodes = (
        make_episode(
            ADA,
            1,
            "käse \U0001f9c0 “quoted”\n\ttab, the boat Ines",
            author="Ada",
            origin="explicit",
            metadata={"k": [1, {"x": None}], "b": True},
            entity_ids=both,
            recorded_at=NOW,
        ),
        make_episode(
            ADA, 2, "rum", source_class=SourceClass.TOOL, role="tool", entity_ids=(ada.id,)
        ),
        make_episode(agent, 3, "planned", session_id="s2", entity_ids=(planner.id,)),
        make_episode(BOB, 1, "hello from Bob", entity_ids=(bob.id,)),
        make_episode(ALL, 1, "the harbour is open", entity_ids=(harbour.id,)),
    )
    return (ada, ines, planner, bob, harbour, trail), episodes


def _statements(
    entities: Sequence[Entity], episodes: Sequence[Episode]
) -> tuple[tuple[Assertion, ...], tuple[Fact, ...]]:
    ada, ines, planner, bob, harbour, _ = entities
    owns = make_assertion(episodes[0], ada, "owns", ines)
    likes = make_assertion(episodes[1], ada, "likes", "rum", quarantined=True)
    open_ = make_assertion(
        episodes[1], ada, "met", "somebody", ordinal=1, subject_id=None, slot=None, names=()
    )
    plans = make_assertion(episodes[2], planner, "plans", "a trip")
    is_ = make_assertion(episodes[3], bob, "is", "late")
    opens = make_assertion(episodes[4], harbour, "is", "open")
    old = make_fact(
        "Ada owns the boat Ines", owns, topic="boats", recorded_at=day(1), retired_at=day(9)
    )
    facts = (
        old,
        replace(
            old,
            recorded_at=day(9),
            retired_at=None,
            valid_to=day(8),
            supersedes="f0",
            reason="UPDATE",
            confidence=0.1 + 0.2,
        ),
        make_fact(
            "Ada likes rum", likes, status="quarantined", valid_from=None, contradicts=("f1", "f2")
        ),
        make_fact("Ada plans a trip", plans, type="procedural", importance=1.0),
        make_fact("Bob is late", is_, status="conflict"),
        make_fact("the harbour is open", opens, origin="derived"),
    )
    return (owns, likes, open_, plans, is_, opens), facts
