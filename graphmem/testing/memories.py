"""Memories made by hand, for tests of graph stores: small factories with plain defaults.

What is not said follows from what is: ids are derived, one ``number`` gives seq and both clocks.
Does not know any store; nothing here folds, so facts say what the test says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from graphmem import ids
from graphmem.models import (
    Assertion,
    CandidateQuery,
    Embedding,
    Entity,
    Episode,
    Fact,
    Filter,
    GraphChange,
    Mention,
    Quote,
    Scope,
    SourceClass,
    Statement,
    Support,
    Watermark,
)
from graphmem.ports import GraphStore
from graphmem.retrieval.text import analyse
from graphmem.testing.fakes import HashEmbedder

EMBEDDER: Final = HashEmbedder(32)
MODEL: Final = EMBEDDER.model_id
START: Final = datetime(2026, 1, 1, tzinfo=UTC)

Memory: TypeAlias = Episode | Entity | Assertion | Fact


def day(number: float) -> datetime:
    return START + timedelta(days=number)


LATE: Final = day(1000)


def terms_of(text: str) -> str:
    return " ".join(analyse(text))


def make_episode(scope: Scope, number: int, text: str = "hello", **given: Any) -> Episode:
    fields: dict[str, Any] = {
        "event_id": f"e{number}",
        "session_id": "s1",
        "seq": number,
        "role": "user",
        "author": None,
        "text": text,
        "terms": terms_of(text),
        "occurred_at": day(number),
        "recorded_at": day(number),
        "source_class": SourceClass.USER_DIRECT,
        **given,
    }
    episode_id = ids.episode(scope.app, scope.user, fields["session_id"], fields["event_id"])
    fields = {"id": episode_id, "scope": scope, **fields}
    return Episode(**fields)


def make_entity(scope: Scope, name: str, **given: Any) -> Entity:
    key = ids.name_key(name)
    fields: dict[str, Any] = {
        "id": ids.entity(scope.key, key),
        "scope": scope,
        "key": key,
        "name": name,
        "kind": "person",
        "created_at": day(0),
        "updated_at": day(0),
        **given,
    }
    return Entity(**fields)


def make_assertion(
    episode: Episode,
    subject: Entity,
    predicate: str,
    object_: Entity | str | None = None,
    **given: Any,
) -> Assertion:
    """Return what ``episode`` states; a text as the object is a literal value."""
    entity = object_ if isinstance(object_, Entity) else None
    value = object_ if isinstance(object_, str) else None
    ordinal: int = given.pop("ordinal", 0)
    slot = ids.derive("slot", episode.scope.key, subject.id, predicate)
    fields: dict[str, Any] = {
        "id": ids.derive("assertion", episode.id, ordinal),
        "scope": episode.scope,
        "event_id": episode.event_id,
        "episode_id": episode.id,
        "session_id": episode.session_id,
        "seq": episode.seq,
        "ordinal": ordinal,
        "statement": Statement(
            subject=Mention(name=subject.name, kind=subject.kind),
            predicate=predicate,
            object=Mention(name=entity.name, kind=entity.kind) if entity else None,
            value=value,
            quote=Quote(text=episode.text, start=0, end=len(episode.text)),
        ),
        "extractor": "hand/1",
        "source_class": episode.source_class,
        "origin": episode.origin,
        "principal": episode.author or "@user",
        "occurred_at": episode.occurred_at,
        "recorded_at": episode.recorded_at,
        "subject_id": subject.id,
        "object_id": entity.id if entity else None,
        "slot": slot,
        "names": tuple(sorted({subject.key, *([entity.key] if entity else [])})),
    }
    return Assertion(**{**fields, **given})


def make_fact(text: str, *support: Assertion, **given: Any) -> Fact:
    """Return a fact that these assertions state, valid and recorded since the first of them."""
    first = support[0]
    fields: dict[str, Any] = {
        "id": ids.derive("fact", first.slot, first.object_id or first.statement.value),
        "scope": first.scope,
        "slot": first.slot,
        "subject_id": first.subject_id,
        "predicate": first.statement.predicate,
        "object_id": first.object_id,
        "value": first.statement.value,
        "text": text,
        "terms": terms_of(text),
        "confidence": 0.8,
        "importance": 0.5,
        "source_class": first.source_class,
        "origin": first.origin,
        "valid_from": first.occurred_at,
        "valid_to": None,
        "recorded_at": first.recorded_at,
        "support": tuple(
            Support(
                assertion_id=a.id,
                event_id=a.event_id,
                episode_id=a.episode_id,
                quote=a.statement.quote.text,
                polarity=a.statement.polarity,
            )
            for a in support
        ),
    }
    return Fact(**{**fields, **given})


async def make_embedding(item: Episode | Fact, *windows: str) -> Embedding:
    """Return the vectors of an item: of its text, or of these windows."""
    vectors = await EMBEDDER.embed(windows or [item.text], purpose="document")
    kind = "episode" if isinstance(item, Episode) else "fact"
    return Embedding(item_id=item.id, kind=kind, vectors=vectors)


async def make_change(scope: Scope, *items: Memory, **given: Any) -> GraphChange:
    """Return the change that puts these, each episode and fact with its vector."""
    embeddings = [await make_embedding(i) for i in items if isinstance(i, Episode | Fact)]
    fields: dict[str, Any] = {
        "scope": scope,
        "stream": scope.stream,
        "put_episodes": tuple(i for i in items if isinstance(i, Episode)),
        "put_entities": tuple(i for i in items if isinstance(i, Entity)),
        "put_assertions": tuple(i for i in items if isinstance(i, Assertion)),
        "put_facts": tuple(i for i in items if isinstance(i, Fact)),
        "put_embeddings": tuple(embeddings),
        "model_id": MODEL,
        **given,
    }
    return GraphChange(**fields)


def mark(scope: Scope, seq: int, stage: Any = "facts") -> Watermark:
    return Watermark(stream=scope.stream, stage=stage, seq=seq)


async def save(store: GraphStore, scope: Scope, *items: Memory, **given: Any) -> None:
    """Put these into the store; an act of its own, without a watermark."""
    assert await store.apply(await make_change(scope, *items, **given), fence=1)


async def ask(text: str = "", near: str = "", **given: Any) -> CandidateQuery:
    """Return a question: ``text`` for the text arm, ``near`` for the vector arm; no NEXT."""
    fields: dict[str, Any] = {
        "terms": analyse(text),
        "vector": (await EMBEDDER.embed([near], purpose="query"))[0] if near else None,
        "model_id": MODEL,
        "as_of": LATE,
        "known_at": LATE,
        "neighbours": 0,
    }
    return CandidateQuery(**{**fields, **given})


async def found(
    store: GraphStore, scopes: Scope | Sequence[Scope], query: CandidateQuery
) -> set[str]:
    """Return the ids that a question finds; each comes once."""
    asked = [scopes] if isinstance(scopes, Scope) else scopes
    pool = await store.candidates(asked, query)
    names = [c.id for c in pool.candidates]
    assert len(names) == len(set(names)), "one row per id"
    return set(names)


@dataclass(frozen=True, slots=True)
class Harbour:
    """Two episodes and three facts that differ in every field of a filter."""

    ada: Entity
    ines: Entity
    first: Episode
    second: Episode
    owns: Fact
    likes: Fact
    sails: Fact

    @property
    def items(self) -> dict[str, Episode | Fact]:
        names = ("first", "second", "owns", "likes", "sails")
        return {name: getattr(self, name) for name in names}

    def names(self, found_ids: set[str]) -> set[str]:
        return {name for name, item in self.items.items() if item.id in found_ids}


async def make_harbour(store: GraphStore, scope: Scope) -> Harbour:
    ada, ines = make_entity(scope, "Ada"), make_entity(scope, "Ines", kind="thing")
    first = make_episode(scope, 1, "harbour talk about the Ines", metadata={"room": "blue", "n": 1})
    second = make_episode(
        scope,
        5,
        "harbour talk about rum",
        session_id="s2",
        source_class=SourceClass.TOOL,
        metadata={"room": "red"},
    )
    said = (
        make_assertion(first, ada, "owns", ines),
        make_assertion(second, ada, "likes", "rum"),
        make_assertion(second, ada, "sails", ines, ordinal=1),
    )
    owns = make_fact("Ada owns the harbour boat Ines", said[0], topic="boats", importance=0.9)
    likes = make_fact("Ada likes harbour rum", said[1], confidence=0.3, topic="drinks")
    sails = make_fact(
        "Ada sails from the harbour", said[2], type="procedural", valid_to=day(8), importance=0.2
    )
    await save(store, scope, ada, ines, first, second, *said, owns, likes, sails)
    return Harbour(ada, ines, first, second, owns, likes, sails)


# What each filter lets through, of: first, second (episodes), owns, likes, sails (facts).
FILTERS: Final[dict[str, tuple[Callable[[Harbour], Filter], str]]] = {
    "none": (lambda h: Filter(), "first second owns likes sails"),
    "facts": (lambda h: Filter(kinds=("fact",)), "owns likes sails"),
    "episodes": (lambda h: Filter(kinds=("episode",)), "first second"),
    "no-kind": (lambda h: Filter(kinds=()), ""),
    "type": (lambda h: Filter(type="procedural"), "sails"),
    "type-episodic": (lambda h: Filter(type="episodic"), "first second"),
    "topic": (lambda h: Filter(topic="boats"), "owns"),
    "predicate": (lambda h: Filter(predicate="likes"), "likes"),
    "source": (lambda h: Filter(source=SourceClass.TOOL), "second likes sails"),
    "session": (lambda h: Filter(session="s1"), "first owns"),
    "entity": (lambda h: Filter(entity=h.ines.id), "first second owns sails"),
    "importance": (lambda h: Filter(min_importance=0.5), "first second owns likes"),
    "importance-equal": (lambda h: Filter(min_importance=0.9), "owns"),
    "confidence": (lambda h: Filter(min_confidence=0.8), "first second owns sails"),
    "occurred-from": (lambda h: Filter(occurred_from=day(5)), "second likes sails"),
    "occurred-to": (lambda h: Filter(occurred_to=day(5)), "first owns"),
    "valid-from": (lambda h: Filter(valid_from=day(8)), "owns likes"),
    "valid-to": (lambda h: Filter(valid_to=day(5)), "first owns"),
    "recorded-from": (lambda h: Filter(recorded_from=day(5)), "second likes sails"),
    "recorded-to": (lambda h: Filter(recorded_to=day(5)), "first owns"),
    "metadata": (lambda h: Filter(metadata={"room": "blue"}), "first owns"),
    "metadata-all": (lambda h: Filter(metadata={"room": "blue", "n": 2}), ""),
    "metadata-type": (lambda h: Filter(metadata={"n": "1"}), ""),
    "two": (lambda h: Filter(session="s2", kinds=("fact",), topic="drinks"), "likes"),
}
