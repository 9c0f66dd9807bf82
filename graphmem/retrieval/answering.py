"""From a question to what the graph says: whom it means, and the facts that answer it.

One step of the way at a time, by ``GraphStore.named`` and ``neighbourhood``. Does not know how a
question is understood, nor what an answer is worth beside the other hits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from graphmem.ids import SPEAKER, name_key
from graphmem.models import UNTOLD, Entity, Fact, Filter, Scope
from graphmem.ports import GraphStore
from graphmem.retrieval.asking import (
    answers,
    ask,
    between,
    follow,
    is_former,
    keys_of,
    links,
    ways,
)
from graphmem.retrieval.epithets import epithets
from graphmem.retrieval.query import Query, terms_of
from graphmem.retrieval.text import STOP, analyse

_SOME: Final = 40  # episodes, in the order of their ids, which is that of no time


async def answered(
    graph: GraphStore,
    query: Query,
    scopes: Sequence[Scope],
    *,
    as_of: datetime,
    known_at: datetime,
    hidden: frozenset[str],
) -> Query:
    """Return the query with the facts that the graph gives as its answer, and whom it means.

    Follows the question's relations from whom it names, a step at a time; where nobody is found
    there, the query is as it was. One without a relation and without a predicate that is known asks
    nothing of the store; any other asks two small reads, and two more a relation. What was read
    from episodes in ``hidden`` leads nowhere.

    The names of whom the question describes take the description's place in its text: "Where does
    my sister work?" is then "Where does Oda work?", for who tells of Oda does not call her
    somebody's sister each time. Whoever has no name but the description stays described. What the
    question says beside itself goes, if it is known which facts could answer.
    """
    query = replace(query, epithets=epithets(query.text))
    asked = ask(query.text)
    if asked is None or not (asked.wanted or asked.about.steps):
        return query
    walk = _Walk(graph, scopes, as_of=as_of, known_at=known_at, hidden=hidden)
    about = asked.about
    whom = await (walk.bearers(about.anchors) if about.anchors else walk.who_asks())
    for step in about.steps:
        whom = await walk.step(step, whom)
        if not whom:
            return query
    meant = walk.known(whom, about.name)
    if not meant:
        return query
    past = query.asks_ended or asked.no_longer or is_former(asked.relation)
    who = [e.id for e in meant]
    facts = await walk.around(who, asked.wanted, ended=past) if asked.wanted else []
    other = frozenset(analyse(asked.aside)) - STOP
    excluded = {f.id for f in facts if other and not other.isdisjoint(analyse(f.text))}
    begin, end = asked.core if asked.wanted else (0, len(query.text))
    called = [e.name for e in meant if "@" not in e.key or e.aliases]
    if about.steps and not about.name and called:
        text = (
            f"{query.text[begin : about.start]}{' and '.join(called)}{query.text[about.end : end]}"
        )
    else:
        text = query.text[begin:end]
    if text != query.text:
        query = replace(query, text=text, terms=terms_of(text))
    return replace(
        query,
        answers=answers(
            asked,
            who,
            [f for f in facts if f.id not in excluded],
            past=past,
            as_of=as_of,
        ),
        given=frozenset(walk.given | excluded),
        asks_fact=bool(asked.wanted),
        tense="past" if asked.no_longer else query.tense,
        names=tuple(dict.fromkeys((*(n for e in meant for n in _names(e)), *query.names))),
    )


class _Walk:
    """Steps from people to people along facts, and what was seen on the way.

    ``given`` are the ids of the facts that the steps went along: the question has said them.
    """

    def __init__(
        self,
        graph: GraphStore,
        scopes: Sequence[Scope],
        *,
        as_of: datetime,
        known_at: datetime,
        hidden: frozenset[str],
    ) -> None:
        self._graph = graph
        self._scopes = scopes
        self._as_of = as_of
        self._known_at = known_at
        self._hidden = hidden
        self._people: dict[str, Entity] = {}
        self.given: set[str] = set()

    async def bearers(self, anchors: Sequence[str]) -> frozenset[str]:
        """Return who bears the first of these keys that anybody bears, merged ones as they were."""
        named = await self._named(anchors)
        for name in anchors:
            found = frozenset(e.same_as or e.id for e in named if name in _names(e))
            if found:
                return found
        return frozenset()

    async def who_asks(self) -> frozenset[str]:
        """Return who asks: the scope's user, or the one author who has spoken as a user.

        Others may call the user by name as the author of events, and so may whoever writes them,
        by a name that is no user's id. Some of what was said shows whether there is one only.
        """
        users = dict.fromkeys(name_key(s.user) for s in self._scopes if s.user)
        found = await self.bearers((SPEAKER, *users))
        if found:
            return found
        page = await self._graph.list(
            self._scopes, "episode", Filter(), known_at=self._known_at, limit=_SOME
        )
        authors = {name_key(e.author) for e in page.episodes if e.role == "user" and e.author}
        return await self.bearers(tuple(authors)) if len(authors) == 1 else found

    async def around(
        self, who: Collection[str], predicates: Iterable[str], *, ended: bool
    ) -> list[Fact]:
        """Return what was said of these by these predicates, and may be told."""
        page = await self._graph.neighbourhood(
            self._scopes,
            sorted(who),
            as_of=self._as_of,
            known_at=self._known_at,
            predicates=sorted(predicates),
            ended=ended,
        )
        self._people.update((e.id, e) for e in page.entities)
        return [f for f in page.facts if f.status not in UNTOLD and _shown(f, self._hidden)]

    async def step(self, word: str, whose: frozenset[str]) -> frozenset[str]:
        """Return who is the ``word`` of these: by one relation, else by one of its ways."""
        facts = await self.around(whose, links(word), ended=is_former(word))
        called = await self._named(keys_of(word, whose))
        found = follow(word, whose, facts, called, as_of=self._as_of)
        self.given |= between(whose, found, facts)
        if found:
            return found
        reached: set[str] = set()
        for way in ways(word):
            at = whose
            for part in way:
                at = await self.step(part, at) if at else at
            reached |= at
        return frozenset(reached - whose)

    def known(self, whom: Iterable[str], name: str) -> list[Entity]:
        """Return those that were known then, of that name if one is said."""
        return [
            entity
            for i in sorted(whom)
            if (entity := self._people.get(i)) is not None
            and entity.created_at <= self._known_at
            and (not name or name in _names(entity))
        ]

    async def _named(self, names: Sequence[str]) -> Sequence[Entity]:
        found = await self._graph.named(self._scopes, names)
        self._people.update((e.id, e) for e in found)
        return found


def _shown(fact: Fact, hidden: frozenset[str]) -> bool:
    return hidden.isdisjoint((fact.id, *(s.episode_id for s in fact.support)))


def _names(entity: Entity) -> tuple[str, ...]:
    return (entity.key, *map(name_key, (entity.name, *entity.aliases)))
