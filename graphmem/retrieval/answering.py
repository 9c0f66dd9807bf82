"""From a question to what the graph says: whom it means, and the facts that answer it.

One step of the way at a time, by ``GraphStore.named`` and ``neighbourhood``. Does not know how a
question is understood, nor what an answer is worth beside the other hits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from graphmem.ids import SPEAKER, name_key
from graphmem.models import Entity, Fact, Scope
from graphmem.ports import GraphStore
from graphmem.retrieval.asking import Described, answers, ask, between, follow, keys_of, links
from graphmem.retrieval.query import Query, terms_of


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
    there, the query is as it was. A question for what has ended has no answer here. One without a
    relation and without a predicate that is known asks nothing of the store; any other asks two
    small reads, and two more a relation. What was read from episodes in ``hidden`` leads nowhere.
    """
    asked = ask(query.text)
    if asked is None or not (asked.wanted or asked.about.steps):
        return query
    # What holds now is no answer to what was; whom it means may be found all the same.
    wanted = frozenset[str]() if query.asks_ended else asked.wanted
    people: dict[str, Entity] = {}

    async def around(who: Collection[str], predicates: Iterable[str]) -> list[Fact]:
        page = await graph.neighbourhood(
            scopes,
            sorted(who),
            as_of=as_of,
            known_at=known_at,
            predicates=sorted(predicates),
        )
        people.update((e.id, e) for e in page.entities)
        return [f for f in page.facts if f.status != "quarantined" and _shown(f, hidden)]

    about = asked.about
    # Who asks is the scope's user, whom others may call by name as the author of events.
    users = dict.fromkeys(name_key(s.user) for s in scopes if s.user)
    anchors = about.anchors or (SPEAKER, *users)
    named = await graph.named(scopes, anchors)
    people.update((e.id, e) for e in named)
    whom = _bearers(named, anchors)
    given: set[str] = set()
    for step in about.steps:
        facts = await around(whom, links(step))
        called = await graph.named(scopes, keys_of(step, whom))
        people.update((e.id, e) for e in called)
        before, whom = whom, follow(step, whom, facts, called)
        given |= between(before, whom, facts)
        if not whom:
            return query
    meant = [
        e
        for i in sorted(whom)
        if (e := people.get(i)) is not None
        and e.created_at <= known_at
        and (not about.name or about.name in _names(e))
    ]
    if not meant:
        return query
    facts = await around([e.id for e in meant], wanted) if wanted else []
    if about.steps and not about.name:
        query = named_in(query, about, meant)
    return replace(
        query,
        answers=answers(asked, [e.id for e in meant], facts),
        given=frozenset(given),
        asks_fact=bool(wanted),
        names=tuple(dict.fromkeys((*(n for e in meant for n in _names(e)), *query.names))),
    )


def _shown(fact: Fact, hidden: frozenset[str]) -> bool:
    return hidden.isdisjoint((fact.id, *(s.episode_id for s in fact.support)))


def _bearers(named: Sequence[Entity], names: Sequence[str]) -> frozenset[str]:
    """Return who bears the first of these keys that anybody bears, merged ones as they were."""
    for name in names:
        found = frozenset(e.same_as or e.id for e in named if name in _names(e))
        if found:
            return found
    return frozenset()


def _names(entity: Entity) -> tuple[str, ...]:
    return (entity.key, *map(name_key, (entity.name, *entity.aliases)))


def named_in(query: Query, about: Described, people: Sequence[Entity]) -> Query:
    """Return the query with the names of whom it describes in the place of the description.

    "Where does my sister work?" is then "Where does Oda work?": who tells of Oda does not call her
    somebody's sister each time. Whoever has no name but the description stays described.
    """
    called = [e.name for e in people if "@" not in e.key or e.aliases]
    if not called:
        return query
    text = f"{query.text[: about.start]}{' and '.join(called)}{query.text[about.end :]}"
    return replace(query, text=text, terms=terms_of(text))
