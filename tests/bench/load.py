"""Invented memories in bulk: what consolidation would have written, without consolidating.

One event, one assertion and one fact each, straight through ``GraphStore.apply``; further scopes
as copies of the first with ids of their own, inside the file, so that a million facts load in
minutes. Does not measure anything.
"""

import asyncio
import functools
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import numpy as np

from graphmem import ids
from graphmem.models import (
    Assertion,
    Embedding,
    Entity,
    Episode,
    Fact,
    GraphChange,
    MemoryKind,
    Mention,
    Quote,
    Scope,
    SourceClass,
    Statement,
    Support,
    Vector,
)
from graphmem.ports import GraphStore
from graphmem.retrieval.text import analyse, indexed_text
from graphmem.testing.fakes import HashEmbedder

START = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = [f"word{i}" for i in range(4000)]
# Words as often as LoCoMo's turns have them, stop words and names apart (Zipf's law as Mandelbrot
# has it): the first is in 19 % of the texts. Texts have 13 terms there, questions five, as here.
_SHARES = 1 / (np.arange(len(WORDS)) + 10)
OFTEN = _SHARES / _SHARES.sum()
ASKED = 3  # words of a question beside whom it is about
BATCH = 1000  # facts a transaction
IN_SESSION = 50
PER_PERSON = 10
SIDES = ("user", "assistant")


def sentence(i: int) -> str:
    """Return twelve words, frequent ones often, as text has them."""
    return sentences(np.random.default_rng(i), 1)[0]


def sentences(rng: np.random.Generator, n: int) -> list[str]:
    picked = rng.choice(len(WORDS), (n, 12), p=OFTEN)
    return [" ".join(WORDS[w] for w in words) for words in picked.tolist()]


def question(i: int, facts: int) -> str:
    """Return a question for one of so many facts."""
    words = " ".join(sentence(7 * i).split()[:ASKED])
    return f"What does Person{i % (facts // PER_PERSON + 1)} like, {words}?"


class WordEmbedder(HashEmbedder):
    """A HashEmbedder that remembers words and questions, so that it costs next to nothing.

    Its vectors fill their space as the bundled model's do of LoCoMo's turns, which says how much a
    search can leave out: the first 8, 32 and 128 principal axes hold .47, .74 and .95 of them
    (.56, .77 and .94 there), and two texts have a cosine of .29 (.35).
    """

    DECAY = 0.9
    SHARED = 0.6  # what all texts have in common, beside a length of 1

    def __init__(self, dimension: int = 384) -> None:
        super().__init__(dimension)
        self._axes = (np.arange(dimension) + 1.0) ** -self.DECAY
        self._words: dict[str, Vector] = {}
        self._questions: dict[str, Vector] = {}

    async def embed(self, texts, *, purpose):
        if purpose == "query" and len(texts) == 1 and texts[0] in self._questions:
            return self._questions[texts[0]]
        found = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                if word not in self._words:
                    self._words[word] = (await super().embed([word], purpose=purpose))[0]
                found[row] += self._words[word]
            if not found[row].any():
                found[row, 0] = 1.0
        found *= self._axes
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        found[:, 0] += self.SHARED
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        if purpose == "query" and len(texts) == 1:
            self._questions[texts[0]] = found
        return found


class TableEmbedder(HashEmbedder):
    """An encoder that takes no time, a microsecond a text: one of a thousand vectors for each."""

    SIZE = 1024

    def __init__(self, dimension: int = 384) -> None:
        super().__init__(dimension)
        table = np.random.default_rng(0).standard_normal((self.SIZE, dimension), dtype=np.float32)
        self._table = table / np.linalg.norm(table, axis=1, keepdims=True)

    async def embed(self, texts, *, purpose):
        return self._table[[zlib.crc32(text.encode()) % self.SIZE for text in texts]]


@functools.lru_cache(maxsize=1 << 14)
def person(scope: Scope, number: int) -> Entity:
    name = f"Person{number}"
    key = ids.name_key(name)
    return Entity(
        id=ids.derive("entity", scope.key, key),
        scope=scope,
        key=key,
        name=name,
        kind="person",
        created_at=START,
        updated_at=START,
    )


def memory(scope: Scope, seq: int, who: Entity, what: str) -> tuple[Episode, Assertion, Fact]:
    """Return an event as it would stand in the graph: what somebody said that somebody likes."""
    at = START + timedelta(minutes=seq)
    session, event = f"s{seq // IN_SESSION}", f"e{seq}"
    text = f"{who.name} likes '{what}'"
    episode = Episode(
        id=ids.episode(scope.app, scope.user, session, event),
        scope=scope,
        event_id=event,
        session_id=session,
        seq=seq,
        role=SIDES[seq % 2],
        author=None,
        text=text,
        terms=" ".join(analyse(indexed_text(None, at, text))),
        occurred_at=at,
        recorded_at=at,
        source_class=SourceClass.USER_DIRECT,
    )
    slot = ids.derive("slot", scope.key, who.id, "likes", what)
    said = Assertion(
        id=ids.derive("assertion", episode.id, 0),
        scope=scope,
        event_id=event,
        episode_id=episode.id,
        session_id=session,
        seq=seq,
        ordinal=0,
        statement=Statement(
            subject=Mention(name=who.name, kind="person"),
            predicate="likes",
            value=what,
            quote=Quote(text=text, start=0, end=len(text)),
        ),
        extractor="bench/1",
        source_class=episode.source_class,
        origin="implicit",
        principal="@user",
        occurred_at=at,
        recorded_at=at,
        subject_id=who.id,
        slot=slot,
        names=(who.key,),
    )
    fact = Fact(
        id=ids.derive("fact", slot, what),
        scope=scope,
        slot=slot,
        subject_id=who.id,
        predicate="likes",
        object_id=None,
        value=what,
        text=text,
        terms=" ".join(analyse(text)),
        confidence=0.8,
        importance=0.5,
        source_class=episode.source_class,
        origin="implicit",
        valid_from=at,
        valid_to=None,
        recorded_at=at,
        support=(
            Support(
                assertion_id=said.id,
                event_id=event,
                episode_id=episode.id,
                quote=text,
                polarity="affirm",
            ),
        ),
    )
    return episode, said, fact


def batches(n: int) -> Iterator[range]:
    for start in range(0, n, BATCH):
        yield range(start, min(n, start + BATCH))


async def load(
    store: GraphStore, embedder: WordEmbedder, scope: Scope, n: int, *, seed: int = 0
) -> None:
    """Put n facts and the episodes they were read from into one scope.

    A batch is made while the one before is written, by the store's own thread.
    """
    rng = np.random.default_rng(seed)
    writing = asyncio.create_task(asyncio.sleep(0, True))
    for batch in batches(n):
        said = sentences(rng, len(batch))
        people = [person(scope, seq % (n // PER_PERSON + 1)) for seq in batch]
        made = [
            memory(scope, seq, who, what)
            for seq, who, what in zip(batch, people, said, strict=True)
        ]
        change = await change_of(embedder, scope, people, made)
        await writing
        writing = asyncio.create_task(store.apply(change, fence=1))
    await writing


async def change_of(
    embedder: WordEmbedder,
    scope: Scope,
    people: Sequence[Entity],
    made: Sequence[tuple[Episode, Assertion, Fact]],
) -> GraphChange:
    episodes, said, facts = zip(*made, strict=True)
    vectors = await embedder.embed([item.text for item in (*episodes, *facts)], purpose="document")
    kinds: list[MemoryKind] = [*("episode" for _ in episodes), *("fact" for _ in facts)]
    return GraphChange(
        scope=scope,
        stream=scope.stream,
        put_episodes=episodes,
        put_entities=tuple(dict.fromkeys(people)),
        put_assertions=said,
        put_facts=facts,
        put_embeddings=tuple(
            Embedding(item_id=item.id, kind=kind, vectors=vectors[row : row + 1])
            for row, (item, kind) in enumerate(zip((*episodes, *facts), kinds, strict=True))
        ),
        model_id=embedder.model_id,
    )


IDS = frozenset(
    ("id", "episode_id", "entity_id", "subject_id", "object_id", "slot", "assertion_id", "item")
)
TABLES = (
    "episodes",
    "entities",
    "entity_names",
    "assertions",
    "assertion_names",
    "facts",
    "support",
    "vectors",
)


def copy(path: Path, template: Scope, scopes: Sequence[Scope]) -> None:
    """Give each of these scopes what the first scope in the file holds, under ids of its own."""
    c = apsw.Connection(str(path))
    for pragma in ("synchronous = OFF", "cache_size = -500000", "foreign_keys = OFF"):
        c.execute(f"PRAGMA {pragma}")
    # An assertion and a fact were made of each event.
    both = "SELECT max((SELECT max(n) FROM facts), (SELECT max(n) FROM assertions))"
    shift = int(str(c.execute(both).fetchall()[0][0]))
    statements = [_copy_of(c, table) for table in TABLES]
    for number, scope in enumerate(scopes, 1):
        keys = {"tag": f"{number:08x}", "from": template.key, "scope": scope.key}
        with c:
            for statement in statements:
                c.execute(statement, keys | {"shift": shift * number})
            c.execute(
                "INSERT INTO scopes (key, app, user, version) VALUES (?, ?, ?, 1)",
                (scope.key, scope.app, scope.user),
            )
    c.close()


def _copy_of(c: apsw.Connection, table: str) -> str:
    """Return the statement that copies a scope's rows: ids tagged, numbers moved up."""
    columns = [row[1] for row in c.execute(f"PRAGMA table_info({table})")]
    if table in ("episodes", "vectors"):
        columns.remove("n")  # nothing refers to it: the next free one
    values: list[str] = []
    for column in columns:
        if column in IDS:
            values.append(f":tag || substr({column}, 9)")
        elif column == "scope":
            values.append(":scope")
        elif column in ("fact", "assertion", "n"):
            values.append(f"{column} + :shift")
        else:
            values.append(column)
    where = "scope = :from"
    if table == "support":
        where = "fact IN (SELECT n FROM facts WHERE scope = :from)"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM {table} WHERE {where}"
    )
