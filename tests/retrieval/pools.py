"""Candidates by hand and by chance, for what ranks them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from graphmem.models import Candidate, SourceClass
from graphmem.retrieval.query import Query, understand
from graphmem.retrieval.text import analyse, indexed_text

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
WORDS = ("boat", "engine", "garden", "oslo", "bread", "violin", "karl", "repair")

some = settings(max_examples=40, deadline=None)


def asked(text: str) -> Query:
    return understand(text, now=NOW)


def episode(seq: int, text: str = "", **changes: Any) -> Candidate:
    """Return an episode of session s1 that happened ``seq`` minutes before NOW's day."""
    author = changes.get("author", "Ada")
    occurred = changes.get("occurred_at", NOW - timedelta(days=1) + timedelta(minutes=seq))
    fields: dict[str, Any] = {
        "id": f"e{seq}",
        "kind": "episode",
        "scope_key": "scope",
        "terms": " ".join(analyse(indexed_text(author, occurred, text))),
        "cosine": 0.0,
        "seq": seq,
        "session_id": "s1",
        "author": author,
        "role": "user",
        "occurred_at": occurred,
        "recorded_at": occurred,
        "confidence": 1.0,
        "importance": 0.5,
        "source_class": SourceClass.USER_DIRECT,
        "type": "episodic",
        "episode_ids": (f"e{seq}",),
        "event_ids": (f"v{seq}",),
    }
    return Candidate(**(fields | changes))


def fact(
    name: str, text: str = "", *, read_from: tuple[int, ...] = (1,), **changes: Any
) -> Candidate:
    """Return a fact that was read from the episodes with these places."""
    fields: dict[str, Any] = {
        "id": name,
        "kind": "fact",
        "scope_key": "scope",
        "terms": " ".join(analyse(text)),
        "cosine": 0.0,
        "seq": read_from[0],
        "session_id": "s1",
        "author": "Ada",
        "role": None,
        "occurred_at": NOW - timedelta(days=1),
        "recorded_at": NOW - timedelta(days=1),
        "confidence": 0.8,
        "importance": 0.5,
        "source_class": SourceClass.USER_DIRECT,
        "type": "semantic",
        "slot": f"slot of {name}",
        "episode_ids": tuple(f"e{n}" for n in read_from),
        "event_ids": tuple(f"v{n}" for n in read_from),
    }
    return Candidate(**(fields | changes))


texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
cosines = st.none() | st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    """Draw episodes of a few sessions and facts read from them, no id twice."""
    places = draw(st.lists(st.integers(1, 30), min_size=1, max_size=12, unique=True))
    found = [
        episode(
            seq,
            draw(texts) + draw(st.sampled_from(["", "?"])),
            session_id=draw(st.sampled_from(["s1", "s2"])),
            author=draw(st.sampled_from(["Ada", "Karl", None])),
            role=draw(st.sampled_from(["user", "assistant"])),
            cosine=draw(cosines),
            importance=draw(st.sampled_from([0.0, 0.5, 1.0])),
            ended=draw(st.booleans()),
        )
        for seq in places
    ]
    for number in range(draw(st.integers(0, 5))):
        ended = draw(st.booleans())
        found.append(
            fact(
                f"f{number}",
                draw(texts),
                read_from=tuple(draw(st.lists(st.sampled_from(places), min_size=1, unique=True))),
                cosine=draw(cosines),
                slot=draw(st.sampled_from(["home", "job"])),
                status=draw(
                    st.sampled_from(["active", "active", "conflict", "quarantined", "supposed"])
                ),
                valid_from=NOW - timedelta(days=90),
                valid_to=NOW - timedelta(days=30) if ended else None,
            )
        )
    return found
