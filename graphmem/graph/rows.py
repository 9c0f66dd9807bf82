"""Memories as rows, and back; exact both ways, and the same for every store.

The column order is that of the ``*_columns`` fragments in ``sql/sqlite.sql`` and of the ``*_row``
fragments in ``cypher/fragment``. Times are integers, lists JSON or lists. Does not run statements.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from graphmem import codec, ids
from graphmem.errors import InvalidInput
from graphmem.models import (
    Assertion,
    Entity,
    Episode,
    Fact,
    GraphChange,
    MemoryKind,
    Page,
    Scope,
    SourceClass,
    Support,
)
from graphmem.times import FOREVER, bound, end_us, from_us, start_us, to_us

Row = Sequence[Any]
Scopes = Mapping[str, Scope]

STATS: Final = (
    "episodes",
    "entities",
    "facts_current",
    "facts_ended",
    "fact_versions",
    "facts_in_conflict",
    "facts_quarantined",
    "facts_supposed",
    "assertions",
)
"""What a store counts, in the order in which its statement does."""


def by_key(scopes: Iterable[Scope]) -> dict[str, Scope]:
    return {scope.key: scope for scope in scopes}


def scope_row(scope: Scope) -> dict[str, str | None]:
    return {
        "key": scope.key,
        "app": scope.app,
        "user": scope.user,
        "session": scope.session,
        "agent": scope.agent,
    }


def scopes_of(found: Iterable[Row]) -> dict[str, Scope]:
    """Return scopes by key from rows in the order of ``scope_row``."""
    return {
        key: Scope(app=app, user=user, session=session, agent=agent)
        for key, app, user, session, agent in found
    }


def scopes_in(change: GraphChange) -> Iterable[Scope]:
    """Return the scopes that a change puts something into, and the home of its own."""
    puts = (*change.put_episodes, *change.put_entities, *change.put_facts)
    return by_key((change.scope.home, *(item.scope for item in puts))).values()


def _listed(value: str | Sequence[Any]) -> tuple[Any, ...]:
    """Return a list as a store has it: as JSON, or as a list."""
    return tuple(json.loads(value) if isinstance(value, str) else value)


def episode_row(e: Episode) -> dict[str, Any]:
    return {
        "id": e.id,
        "scope": e.scope.key,
        "event_id": e.event_id,
        "session_id": e.session_id,
        "seq": e.seq,
        "role": e.role,
        "author": e.author,
        "text": e.text,
        "terms": e.terms,
        "occurred_at": to_us(e.occurred_at),
        "recorded_at": to_us(e.recorded_at),
        "source_class": e.source_class.value,
        "origin": e.origin,
        "metadata": codec.dumps(dict(e.metadata)),
    }


def episode_of(r: Row, scopes: Scopes) -> Episode:
    return Episode(
        id=r[0],
        scope=scopes[r[1]],
        event_id=r[2],
        session_id=r[3],
        seq=r[4],
        role=r[5],
        author=r[6],
        text=r[7],
        terms=r[8],
        occurred_at=from_us(r[9]),
        recorded_at=from_us(r[10]),
        source_class=SourceClass(r[11]),
        origin=r[12],
        metadata=codec.loads_object(r[13]),
        entity_ids=_listed(r[14]),
    )


def entity_row(e: Entity) -> dict[str, Any]:
    return {
        "id": e.id,
        "scope": e.scope.key,
        "key": e.key,
        "name": e.name,
        "kind": e.kind,
        "aliases": json.dumps(list(e.aliases)),
        "descriptors": json.dumps(list(e.descriptors)),
        "summary": e.summary,
        "importance": e.importance,
        "created_at": to_us(e.created_at),
        "updated_at": to_us(e.updated_at),
        "same_as": e.same_as,
    }


def entity_of(r: Row, scopes: Scopes) -> Entity:
    return Entity(
        id=r[0],
        scope=scopes[r[1]],
        key=r[2],
        name=r[3],
        kind=r[4],
        aliases=_listed(r[5]),
        descriptors=_listed(r[6]),
        summary=r[7],
        importance=r[8],
        created_at=from_us(r[9]),
        updated_at=from_us(r[10]),
        same_as=r[11],
    )


def assertion_row(a: Assertion) -> dict[str, Any]:
    value = a.statement.value
    return {
        "id": a.id,
        "scope": a.scope.key,
        "event_id": a.event_id,
        "episode_id": a.episode_id,
        "session_id": a.session_id,
        "seq": a.seq,
        "ordinal": a.ordinal,
        "predicate": a.statement.predicate,
        "polarity": a.statement.polarity,
        "value_key": ids.name_key(value) if value else None,
        "statement": codec.dump_statement(a.statement),
        "extractor": a.extractor,
        "source_class": a.source_class.value,
        "origin": a.origin,
        "principal": a.principal,
        "occurred_at": to_us(a.occurred_at),
        "recorded_at": to_us(a.recorded_at),
        "subject_id": a.subject_id,
        "object_id": a.object_id,
        "slot": a.slot,
        "quarantined": int(a.quarantined),
    }


def assertion_of(r: Row, scopes: Scopes) -> Assertion:
    return Assertion(
        id=r[0],
        scope=scopes[r[1]],
        event_id=r[2],
        episode_id=r[3],
        session_id=r[4],
        seq=r[5],
        ordinal=r[6],
        statement=codec.load_statement(r[7]),
        extractor=r[8],
        source_class=SourceClass(r[9]),
        origin=r[10],
        principal=r[11],
        occurred_at=from_us(r[12]),
        recorded_at=from_us(r[13]),
        subject_id=r[14],
        object_id=r[15],
        slot=r[16],
        quarantined=bool(r[17]),
        names=_listed(r[18]),
    )


def fact_row(f: Fact) -> dict[str, Any]:
    return {
        "id": f.id,
        "scope": f.scope.key,
        "slot": f.slot,
        "subject_id": f.subject_id,
        "predicate": f.predicate,
        "object_id": f.object_id,
        "value": f.value,
        "text": f.text,
        "terms": f.terms,
        "type": f.type,
        "topic": f.topic,
        "status": f.status,
        "confidence": f.confidence,
        "importance": f.importance,
        "source_class": f.source_class.value,
        "origin": f.origin,
        "valid_from": start_us(f.valid_from),
        "valid_to": end_us(f.valid_to),
        "recorded_at": to_us(f.recorded_at),
        "retired_at": end_us(f.retired_at),
        "supersedes": f.supersedes,
        "reason": f.reason,
        "contradicts": json.dumps(list(f.contradicts)),
    }


def fact_of(r: Row, scopes: Scopes) -> Fact:
    return Fact(
        id=r[0],
        scope=scopes[r[1]],
        slot=r[2],
        subject_id=r[3],
        predicate=r[4],
        object_id=r[5],
        value=r[6],
        text=r[7],
        terms=r[8],
        type=r[9],
        topic=r[10],
        status=r[11],
        confidence=r[12],
        importance=r[13],
        source_class=SourceClass(r[14]),
        origin=r[15],
        valid_from=bound(r[16]),
        valid_to=bound(r[17]),
        recorded_at=from_us(r[18]),
        retired_at=bound(r[19]),
        supersedes=r[20],
        reason=r[21],
        contradicts=_listed(r[22]),
        support=tuple(
            Support(assertion_id=s[0], event_id=s[1], episode_id=s[2], quote=s[3], polarity=s[4])
            for s in json.loads(r[23])
        ),
    )


def cursor_of(cursor: str | None) -> tuple[str, int]:
    """Return where a listing goes on: after this id, and of facts after this version of it."""
    after, _, since = (cursor or "").partition("/")
    if since and not since.lstrip("-").isdigit():
        raise InvalidInput(f"cursor {cursor!r} is not one that a listing has returned")
    return after, int(since) if since else FOREVER


def place(memory: Fact | Episode | Entity) -> tuple[str, int]:
    """Return where a memory stands in a listing: by id, a fact's versions by when recorded."""
    return memory.id, to_us(memory.recorded_at) if isinstance(memory, Fact) else 0


def cursor_after(memory: Fact | Episode | Entity) -> str:
    """Return the cursor of a listing that goes on after this memory; see ``cursor_of``."""
    name, since = place(memory)
    return f"{name}/{since}" if isinstance(memory, Fact) else name


OF: Final[Mapping[MemoryKind, Callable[[Row, Scopes], Any]]] = {
    "fact": fact_of,
    "episode": episode_of,
    "entity": entity_of,
}
"""What makes a memory of a row, by kind."""


def page_of(kind: MemoryKind, memories: Sequence[Any], *, more: bool) -> Page:
    """Return memories of one kind as part of a listing that goes on, if there is ``more``."""
    last = cursor_after(memories[-1]) if more and memories else None
    match kind:
        case "fact":
            return Page(facts=tuple(memories), cursor=last)
        case "episode":
            return Page(episodes=tuple(memories), cursor=last)
        case "entity":
            return Page(entities=tuple(memories), cursor=last)


def ending(
    spans: Sequence[tuple[int, int, int]] | None, *, as_of: int, known_at: int, said_at: int
) -> tuple[bool, bool]:
    """Return whether all that an episode states has ended, and whether only some of it has.

    Given are recorded, retired and end of every version of each fact. A version that was retired
    with none in its place was taken back, and so was what no fact came of. What was over when it
    was said ("last week I was in Rome") was told as past: it has not ended since. None is what
    states nothing, and nothing of that ends.
    """
    if spans is None:
        return False, False
    known = [span for span in spans if span[0] <= known_at]
    if spans and not known:
        return False, False
    begun = {recorded for recorded, _, _ in known}
    holds, over = False, not spans
    for _, retired, ends in known:
        if retired > known_at:
            holds = holds or ends > as_of
            over = over or said_at <= ends <= as_of
        else:
            over = over or retired not in begun
    return over and not holds, over and holds
