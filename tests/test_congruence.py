"""The same random history into SQLite and into Neo4j: the same memories, the same answers.

The whole path on fakes: events are appended, consolidated, erased and decided on, then every verb
that reads is asked of both. Vectors are searched exactly on both sides. A longer run:
``pytest tests/test_congruence.py --hypothesis-profile=long --timeout=0``.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import product
from operator import methodcaller
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graphmem import ids
from graphmem.errors import Conflict, InvalidInput, NotFound
from graphmem.graph.neo4j import Neo4jGraphStore
from graphmem.models import (
    Candidate,
    CandidatePool,
    CandidateQuery,
    Entity,
    Episode,
    Event,
    Fact,
    Filter,
    Hit,
    Known,
    KnownQuery,
    MemoryKind,
    Page,
    Scope,
    SourceClass,
    TextPart,
)
from graphmem.ports import GraphStore
from graphmem.retrieval.text import analyse
from tests.graph.test_neo4j import connect
from tests.memory import NOW, Memory, open_memory
from tests.neo4j_servers import Neo4j

NEAR = 1e-6
SESSIONS = ("s1", "s2", "plans")  # the last is private to an agent
PEOPLE = ("I", "Tom", "Anna", "Anna(sister)", "(sister)", "Bo(*)", "Bo(dog of Anna)", "tom")
PROSE = (
    "we met on the fjord, near the old mill",
    "Where are the goats?",
    "The goats are behind the mill since the wedding",
    "The wedding was lovely, Anna danced with Tom",
    "goats " * 230 + "and one sheep at the fjord",
    'what "AND" is (a)* to ~NOT\\ terms:x',
)
QUESTIONS = (
    "Where does Anna live?",
    "Where did I live before Rome?",
    "What did my sister say about the goats?",
    "Who is Tom's friend?",
    "What did we do last week?",
    "What happened before the wedding?",
    "What did we talk about two sessions ago?",
    'tea OR "rum" AND fjord*',
)


# --------------------------------------------------------------------------- histories


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An event of a user's session that happened ``days`` from the beginning; it may come late."""

    user: str | None
    session: str
    text: str
    days: int
    source: SourceClass = SourceClass.USER_DIRECT
    author: str | None = None
    room: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidate:
    """Take a user's stream to its end."""

    user: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Erase one of a user's memories, the ``which``-th by its id."""

    user: str
    kind: MemoryKind
    which: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Merge two of a user's entities, split them, or release what is in quarantine."""

    user: str
    verb: str
    which: int


Act = Say | Consolidate | Forget | Decide
USERS = st.sampled_from(["ada", "ada", "ada", "bob"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    who = draw(st.sampled_from(PEOPLE))
    place = st.sampled_from(["Rome", "Oslo", "Lima"])
    match draw(st.integers(0, 7)):
        case 0:
            return f"{who}|lives_in|{draw(place)}"
        case 1:
            return f"!{who}|lives_in|{draw(place)}"
        case 2:
            what = draw(st.sampled_from(["tea", "rum", "https://shop.example"]))
            return f"{draw(st.sampled_from(['', '!', '~']))}{who}|likes|'{what}'"
        case 3:
            return f"{who}|lives_in|{draw(place)}|not={draw(place)}"
        case 4:
            return f"{who}|has_name|'{draw(st.sampled_from(['Ada', 'Zoe']))}'"
        case 5:
            return f"{who}|works_at|Acme|from=2020-01-01|to=2026-03-{draw(st.integers(10, 28))}"
        case 6:
            return f"{who}|friend_of|{draw(st.sampled_from(['Tom', 'I', 'Eve']))}"
        case _:
            return draw(st.sampled_from(PROSE))


@st.composite
def said(draw: st.DrawFn) -> Say:
    user = draw(st.sampled_from(["ada", "ada", "ada", "ada", "bob", None]))
    return Say(
        user=user,
        session="house" if user is None else draw(st.sampled_from(SESSIONS)),
        text="\n".join(draw(st.lists(lines(), min_size=1, max_size=3))),
        days=draw(st.integers(0, 30)),
        source=draw(st.sampled_from([SourceClass.USER_DIRECT, *SourceClass])),
        author=draw(st.sampled_from([None, "Ada", "Tom"])),
        room=draw(st.sampled_from([None, "blue", "red"])),
    )


acts = st.one_of(
    said(),
    said(),
    said(),
    st.builds(Consolidate, user=USERS),
    st.builds(
        Forget,
        user=USERS,
        kind=st.sampled_from(["episode", "fact", "entity"]),
        which=st.integers(0, 9),
    ),
    st.builds(
        Decide,
        user=USERS,
        verb=st.sampled_from(["merge", "merge", "split", "release"]),
        which=st.integers(0, 99),
    ),
)
histories = st.lists(acts, min_size=4, max_size=18)


@dataclass
class Life:
    """A memory of an app of its own, through which a history is lived."""

    memory: Memory
    app: str
    outcomes: list[object] = field(default_factory=list)
    told: int = 0

    def scope(self, user: str | None, **more: Any) -> Scope:
        return Scope(app=self.app, user=user, **more)

    async def live(self, history: Sequence[Act]) -> None:
        for user in ("ada", "bob"):
            plans = self.scope(user, session="plans")
            await self.memory.log.create(plans, now=NOW, private_to="planner")
        for act in history:
            self.memory.now += timedelta(hours=5)
            match act:
                case Say():
                    await self.say(act)
                case Consolidate(user=user):
                    await self.settle(user)
                case Forget():
                    await self.forget(act)
                case Decide():
                    # What cannot be decided is refused, on both sides or on neither.
                    try:
                        await self.decide(act)
                    except (Conflict, InvalidInput, NotFound) as error:
                        self.outcomes.append(str(error))
        for user in ("ada", "bob", None):
            await self.settle(user)

    async def say(self, act: Say) -> None:
        self.told += 1
        event = Event(
            id=f"e{self.told}",
            parts=(TextPart(text=act.text),),
            occurred_at=NOW + timedelta(days=act.days - 31, seconds=self.told),
            session_id=act.session,
            author=act.author,
            source_class=act.source,
            metadata={} if act.room is None else {"room": act.room, "n": [self.told % 2]},
        )
        await self.memory.manager.append(self.scope(act.user, session=act.session), [event])

    async def settle(self, user: str | None) -> None:
        report = await self.memory.manager.generate_memories(self.scope(user))
        self.outcomes += report.outcomes

    async def forget(self, act: Forget) -> None:
        scope = self.scope(act.user, agent="planner")
        page = await self.memory.graph.list(
            scope.levels()[:2], act.kind, Filter(), as_of=None, limit=10
        )
        found = items_of(page)
        if found:
            gone = await self.memory.manager.delete_memories(
                scope, memory_ids=[found[act.which % len(found)].id]
            )
            self.outcomes.append(replace(gone, receipt_id=""))

    async def decide(self, act: Decide) -> None:
        review, scope = self.memory.manager.review, self.scope(act.user)
        if act.verb == "release":
            waiting = await review.quarantined(scope)
            await review.release(scope, [f.id for f in waiting][: 1 + act.which % 2])
            return
        every = [e async for e in self.memory.graph.dump(scope) if isinstance(e, Entity)]
        if act.verb == "split":
            for trail in [e.id for e in every if e.same_as][:1]:
                await review.split(scope, trail)
        elif len(every) > 1:
            one, other = every[act.which % 10 % len(every)], every[act.which // 10 % len(every)]
            await review.merge(scope, one.id, other.id)


def items_of(page: Page) -> Sequence[Fact | Episode | Entity]:
    return (*page.facts, *page.episodes, *page.entities)


# --------------------------------------------------------------------------- both at once

Ask = Callable[[GraphStore], Awaitable[Any]]
Memories = Sequence[Episode | Entity | Fact]


@dataclass
class Both:
    """The same question to two stores; unequal answers are the failure."""

    one: Life
    other: Life

    async def answers(self, ask: Ask) -> tuple[Any, Any]:
        return await ask(self.one.memory.graph), await ask(self.other.memory.graph)

    async def equal(self, ask: Ask) -> Any:
        """Return what both answer."""
        expected, found = await self.answers(ask)
        assert found == expected, ask
        return expected


async def whole(home: Scope, graph: GraphStore) -> list[Episode | Entity | Fact]:
    return [item async for item in graph.dump(home)]


async def known(home: Scope, query: KnownQuery, graph: GraphStore) -> Known:
    found = await graph.known(home, query)
    facts = tuple(sorted(found.facts, key=lambda f: (f.id, f.recorded_at)))
    return replace(found, facts=facts)


async def listed(
    scopes: Sequence[Scope], kind: MemoryKind, asked: dict[str, Any], graph: GraphStore
) -> list[Page]:
    found: list[Page] = []
    cursor: str | None = None
    while not found or cursor is not None:
        page = await graph.list(scopes, kind, **asked, limit=7, cursor=cursor)
        found.append(page)
        cursor = page.cursor
    return found


async def compare_kept(both: Both, homes: Sequence[Scope]) -> Memories:
    """Compare all that is kept, by dump, history, watermark and known; return it."""
    held: list[Episode | Entity | Fact] = []
    for home in homes:
        items = await both.equal(partial(whole, home))
        held += items
        for fact in sorted({i.id for i in items if isinstance(i, Fact)}):
            await both.equal(methodcaller("history", home, fact))
        await both.equal(methodcaller("watermark", home.stream))
        for query in questions_before_a_fold(items):
            await both.equal(partial(known, home, query))
    return held


def questions_before_a_fold(items: Memories) -> Sequence[KnownQuery]:
    entities = [i for i in items if isinstance(i, Entity)]
    episodes = [i.id for i in items if isinstance(i, Episode)]
    slots = sorted({i.slot for i in items if isinstance(i, Fact)})
    keys = tuple(e.key for e in entities)
    return (
        KnownQuery(names=keys[::2]),
        KnownQuery(names=keys, predicates=("lives_in", "has_name")),
        KnownQuery(names=keys, keyed=("likes", "friend_of"), values=("tea", "rum")),
        KnownQuery(episode_ids=tuple(episodes[::2]), entity_ids=tuple(e.id for e in entities)),
        KnownQuery(mentioned=keys[:3], slots=tuple(slots[:3])),
    )


FILTERS = (
    Filter(),
    Filter(predicate="lives_in"),
    Filter(source=SourceClass.TOOL),
    Filter(session="s1"),
    Filter(metadata={"room": "blue"}),
    Filter(metadata={"n": [1], "room": "red"}),
    Filter(min_confidence=0.7, min_importance=0.4),
    Filter(type="semantic", kinds=("fact", "entity")),
    Filter(occurred_from=NOW - timedelta(days=20), occurred_to=NOW - timedelta(days=5)),
    Filter(valid_from=NOW - timedelta(days=15), valid_to=NOW - timedelta(days=14)),
    Filter(recorded_from=NOW + timedelta(hours=10), recorded_to=NOW + timedelta(hours=30)),
)


async def compare_lists(both: Both, scopes: Sequence[Scope], held: Memories) -> None:
    now = both.one.memory.now
    moments = (None, now - timedelta(days=10), now - timedelta(hours=20))
    kinds: tuple[MemoryKind, ...] = ("fact", "episode", "entity")
    entities = [Filter(entity=i.id) for i in held if isinstance(i, Entity)]
    for number, (kind, filter) in enumerate(product(kinds, (*FILTERS, *entities[:2]))):
        asked = {
            "filter": filter,
            "as_of": moments[number % 3],
            "known_at": moments[number // 3 % 3],
        }
        await both.equal(partial(listed, scopes, kind, asked))
    await both.equal(partial(listed, scopes, "fact", {"filter": Filter(), "versions": True}))


async def compare_reading(both: Both, scopes: Sequence[Scope], held: Memories) -> None:
    """Compare neighbourhoods, periods, pages by id, names and counts at several clocks."""
    now = both.one.memory.now
    everything = [i.id for i in held]
    entities = [i.id for i in held if isinstance(i, Entity)]
    for as_of, known_at in ((now, now), (now - timedelta(days=15), now), (now, NOW)):
        when = {"as_of": as_of, "known_at": known_at}
        for more in (
            {},
            {"ended": True, "limit": 3},
            {"ended": True, "limit": 2, "predicates": ("likes", "lives_in")},
        ):
            await both.equal(methodcaller("neighbourhood", scopes, entities, **when, **more))
        await both.equal(methodcaller("periods", scopes, **when))
        await both.equal(methodcaller("read", scopes, [*everything, "e1"], known_at=known_at))
        await both.equal(methodcaller("stats", scopes, now=as_of))
    names = [ids.name_key(n) for n in ("Tom", "Anna", "Ada", "Zoe", "Bo")]
    await both.equal(methodcaller("named", scopes, names))


async def compare_pools(both: Both, scopes: Sequence[Scope]) -> None:
    """Compare what is found: by text cut to few, by vectors, by both with their neighbours."""
    now, encoder = both.one.memory.now, both.one.memory.encoder
    for number, question in enumerate(QUESTIONS[::2]):
        (vector,) = await encoder.embed([question], purpose="query")
        text = CandidateQuery(
            terms=analyse(question), as_of=now, known_at=now, text_limit=2, neighbours=0
        )
        every = replace(text, vector=vector, model_id=encoder.model_id, text_limit=50)
        past, filter = now - timedelta(days=12), (FILTERS[4], FILTERS[8])[number % 2]
        for query in (
            text,
            replace(every, neighbours=2),
            replace(every, as_of=past, ended=True, filter=filter),
            replace(every, known_at=NOW + timedelta(hours=20), neighbours=2),
        ):
            expected, found = map(
                by_id, await both.answers(methodcaller("candidates", scopes, query))
            )
            # A store need not give the text of what it found.
            assert [replace(c, cosine=None, text=None) for c in found] == [
                replace(c, cosine=None, text=None) for c in expected
            ], query
            assert [c.cosine for c in found] == pytest.approx(
                [c.cosine for c in expected], abs=NEAR
            )
        nearest = replace(every, vector_limit=1 + number % 3, text_limit=0)
        expected, found = map(
            cosines, await both.answers(methodcaller("candidates", scopes, nearest))
        )
        # Who of equally near ones is taken may differ, how near they are may not.
        assert found == pytest.approx(expected, abs=NEAR)


def by_id(pool: CandidatePool) -> Sequence[Candidate]:
    return sorted(pool.candidates, key=lambda c: c.id)


def cosines(pool: CandidatePool) -> list[float]:
    return [c.cosine or 0.0 for c in sorted(pool.candidates, key=lambda c: (c.kind, c.cosine or 0))]


async def compare_hits(both: Both, readers: Sequence[Scope]) -> None:
    """Compare what is recalled at several clocks; only hits that are as good may change places."""
    now = both.one.memory.now
    clocks = ((now, now), (now - timedelta(days=12), now), (now, NOW + timedelta(hours=20)))
    for number, (reader, question) in enumerate(product(readers, QUESTIONS)):
        as_of, known_at = clocks[number % 3]
        expected, found = [
            await x.memory.manager.retriever.retrieve(
                question, reader.levels(), now=now, as_of=as_of, known_at=known_at, top_k=500
            )
            for x in (both.one, both.other)
        ]
        told = f"{reader} {question!r} {as_of} {known_at}"
        assert [h.score for h in found] == pytest.approx([h.score for h in expected], abs=NEAR)
        place = 0
        for group in groups(expected):
            size = len(group)
            assert bare(found[place : place + size]) == bare(group), told
            place += size


def groups(hits: Sequence[Hit]) -> Sequence[Sequence[Hit]]:
    """Return hits by how good they are."""
    made: list[list[Hit]] = []
    for hit in hits:
        if made and made[-1][-1].score - hit.score < NEAR:
            made[-1].append(hit)
        else:
            made.append([hit])
    return made


def bare(hits: Sequence[Hit]) -> list[tuple[Hit, list[str], list[str]]]:
    """Return hits of a group without what hangs on the last digits of their scores."""
    return [
        (
            replace(hit, score=0.0, arms={}, reason=""),
            sorted(hit.arms),
            sorted(re.sub(r" \(-?[\d.]+\)", "", hit.reason).split("; ")),
        )
        for hit in sorted(hits, key=lambda h: h.id)
    ]


# --------------------------------------------------------------------------- the test

LONG = settings.get_current_profile_name() == "long"
few = settings(
    max_examples=settings().max_examples if LONG else 5,
    deadline=None,
    # Each try costs seconds: only a long run looks for the shortest history that fails.
    phases=tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.timeout(400)  # five histories, each lived twice: two minutes on a slow machine
@few
@given(histories, st.integers(1, 8))
async def test_same_history_same_memory(neo4j_line: Neo4j, history: list[Act], batch: int) -> None:
    app = f"congruence-{secrets.token_hex(8)}"
    graph = Neo4jGraphStore(connect(neo4j_line), exact=True)
    async with open_memory(batch=batch) as one, open_memory(batch=batch, graph=graph) as other:
        both = Both(Life(one, app), Life(other, app))
        for life in (both.one, both.other):
            await life.live(history)

        ada, bob, everybody = (both.one.scope(user) for user in ("ada", "bob", None))
        planner = both.one.scope("ada", agent="planner")
        held = await compare_kept(both, [ada, planner, bob, everybody])
        await compare_lists(both, planner.levels(), held)
        for scopes in (planner.levels(), bob.levels()):
            await compare_reading(both, scopes, held)
        await compare_pools(both, planner.levels())
        await compare_hits(both, [planner, replace(ada, session="s1"), bob])
        assert both.other.outcomes == both.one.outcomes
        assert await graph.check([ada, planner, bob, everybody]) == []
