"""What every study does with a memory: fill it with a conversation, consolidate, ask.

One user per conversation, in an app named after the data set, so that no other's words move a
ranking. Knows no data set by name, nor how the manager it is given was made; its worker must be
off, for a study consolidates by itself.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from graphmem.eval.datasets import Conversation, Dataset
from graphmem.listing import PAGE, pages
from graphmem.manager import MemoryManager
from graphmem.models import Event, Fact, Hit, MemoryKind, Page, Scope
from graphmem.retrieval.rank import Ranked, rank
from graphmem.retrieval.recipes import DEFAULT, Recipe
from graphmem.retrieval.retriever import Found, Retriever

Progress = Callable[[str, int, int], None]
OpenManager = Callable[[], AbstractAsyncContextManager[MemoryManager]]
Clock = Callable[[], datetime]


def silent(what: str, done: int, of: int) -> None:
    """Tell nobody how far a study is."""


def scope_of(dataset: str, conversation: str) -> Scope:
    """Return the scope that a conversation lives in."""
    return Scope(app=dataset, user=conversation)


async def fill(manager: MemoryManager, home: Scope, events: Sequence[Event]) -> None:
    """Append events session by session and consolidate them; idempotent."""
    for session, run in groupby(events, key=lambda event: event.session_id):
        await manager.append(replace(home, session=session), list(run))
    await manager.generate_memories(home)


def everything(
    manager: MemoryManager, home: Scope, kind: MemoryKind, *, versions: bool = False
) -> AsyncIterator[Page]:
    """Yield all memories of one kind, facts that have ended too, a page at a time."""
    return pages(
        lambda cursor: manager.list(
            home, kind, ended=True, versions=versions, limit=PAGE, cursor=cursor
        )
    )


async def facts_of(manager: MemoryManager, home: Scope) -> list[Fact]:
    """Return every fact that is believed, ended ones too, in the order of their ids."""
    return [fact async for page in everything(manager, home, "fact") for fact in page.facts]


async def names_of(manager: MemoryManager, home: Scope) -> dict[str, tuple[str, ...]]:
    """Return what each entity is called, by id: its name first, then its aliases."""
    return {
        entity.id: (entity.name, *entity.aliases)
        async for page in everything(manager, home, "entity")
        for entity in page.entities
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Questions to one conversation: what a caller of recall would get at a given moment.

    ``known_at`` is the reader's own time: all that has been recorded until then is known.
    ``configured`` is the manager's own retriever, with the models that it was given.
    """

    retriever: Retriever
    configured: Retriever
    scopes: Sequence[Scope]
    known_at: datetime

    @staticmethod
    def of(
        manager: MemoryManager, home: Scope, *, known_at: datetime, recipe: Recipe = DEFAULT
    ) -> "Asking":
        return Asking(
            retriever=manager.retriever.following(recipe),
            configured=manager.retriever,
            scopes=home.levels(),
            known_at=known_at,
        )

    async def find(self, question: str, *, at: datetime) -> Found:
        """Return the candidates of a question asked at ``at``."""
        return await self.retriever.find(
            question, self.scopes, now=at, as_of=at, known_at=self.known_at
        )

    def rank(self, found: Found, *, top_k: int) -> tuple[Ranked, ...]:
        """Return the best of what was found by its fused score, before any text is looked at."""
        return rank(
            found.pool,
            found.query,
            recipe=self.retriever.recipe,
            now=found.now,
            as_of=found.as_of,
            limit=top_k,
        )

    async def hits(
        self, found: Found, *, top_k: int, recipe: Recipe | None = None
    ) -> tuple[Hit, ...]:
        """Return the hits of what was found, as the retriever's recipe or another orders them."""
        retriever = self.retriever
        if recipe is not None:
            retriever = retriever.following(recipe)
        return await retriever.hits(found, self.scopes, top_k=top_k, known_at=self.known_at)

    async def texts(self, ranked: Sequence[Ranked]) -> dict[str, str]:
        """Return the texts of ranked memories by id."""
        return await self.retriever.texts(ranked, self.scopes, known_at=self.known_at)

    async def ask(self, question: str, *, at: datetime, top_k: int) -> tuple[Hit, ...]:
        """Return the hits of a question asked at ``at``, the best first."""
        return await self.hits(await self.find(question, at=at), top_k=top_k)

    async def ask_configured(self, question: str, *, at: datetime, top_k: int) -> tuple[Hit, ...]:
        """Return the hits as the manager's own retriever gives them, models and all."""
        return await self.configured.retrieve(
            question, self.scopes, now=at, as_of=at, known_at=self.known_at, top_k=top_k
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A conversation that has become memory, ready to be asked.

    ``tuned`` says that recipes were tuned on it.
    """

    conversation: Conversation
    home: Scope
    asking: Asking
    tuned: bool


async def visits(
    manager: MemoryManager,
    dataset: Dataset,
    *,
    clock: Clock,
    recipe: Recipe = DEFAULT,
    progress: Progress | None = None,
) -> AsyncIterator[Visit]:
    """Fill the memory with one conversation after the other, and yield each when it is there.

    What was recorded until then by ``clock`` is known to its questions. ``progress`` is told
    (what, done, of).
    """
    told = progress or silent
    total = len(dataset.conversations)
    for number, conversation in enumerate(dataset.conversations):
        told(f"reading {conversation.id}", number, total)
        home = scope_of(dataset.name, conversation.id)
        await fill(manager, home, conversation.events)
        told(f"asking {conversation.id}", number, total)
        yield Visit(
            conversation=conversation,
            home=home,
            asking=Asking.of(manager, home, known_at=clock(), recipe=recipe),
            tuned=number < dataset.tuned_on,
        )
    told("done", total, total)


def without_facts(found: Found) -> Found:
    """Return what the episodes alone would have found: no fact, and none known to have ended."""
    episodes = tuple(replace(c, ended=False) for c in found.pool.candidates if c.kind == "episode")
    return replace(found, pool=replace(found.pool, candidates=episodes))


def places_of(hits: Sequence[Hit] | Sequence[Ranked]) -> dict[str, int]:
    """Return the place of each distinct event, from 1, in the order of the hits."""
    places: dict[str, int] = {}
    for hit in hits:
        for event in hit.event_ids:
            places.setdefault(event, len(places) + 1)
    return places
