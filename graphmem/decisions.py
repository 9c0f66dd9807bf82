"""Decisions about memory, as events of the stream: releases, merges, splits, receipts.

A replay of the log takes them again at their place. They carry ids and no text, so that there is
nothing in them to erase. Does not know what a decision changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal

from graphmem import ids
from graphmem.models import Event, Json, JsonPart, Scope, SourceClass

SESSION: Final = "@decisions"  # of each stream; nobody else writes to a session with an @

Kind = Literal["release", "merge", "split", "forget"]


def event(scope: Scope, kind: Kind, of: str, body: Mapping[str, Json], *, now: datetime) -> Event:
    """Return the event that says what was decided of a memory at a scope's level."""
    return Event(
        id=f"{kind}-{of}-{ids.digest(now.isoformat())[:8]}",
        type="system_event",
        role="system",
        parts=(JsonPart(value={"decision": kind, "of": of, "agent": scope.agent, **body}),),
        occurred_at=now,
        session_id=SESSION,
        source_class=SourceClass.OPERATOR,
        origin="explicit",
    )


def read(events: Iterable[Event], stream: Scope) -> Iterator[tuple[Scope, Event, dict[str, Json]]]:
    """Yield the decisions among a stream's events, in order, with the level of each."""
    for found in events:
        if found.session_id != SESSION:
            continue
        for part in found.parts:
            match part:
                case JsonPart(value={"decision": str()} as body):
                    agent = body.get("agent")
                    level = agent if isinstance(agent, str) else None
                    yield Scope(app=stream.app, user=stream.user, agent=level), found, body
                case _:
                    continue
