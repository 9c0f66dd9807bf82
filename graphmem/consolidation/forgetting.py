"""What is left when events are erased, and what a policy lets go.

Erasing drops assertions and folds again: facts that the erased statements had closed revive,
entities that only they spoke of vanish, and whoever was told apart by them is decided again. Does
not know stores; the caller asks the questions that ``widen`` and ``unlearn`` return.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from graphmem import ids
from graphmem.consolidation.assertions import HAS_NAME, SAME_AS, Table, merges
from graphmem.consolidation.identity import Resolver, names_of
from graphmem.consolidation.plan import (
    Analyse,
    Plan,
    beside,
    difference,
    fresh_texts,
    moved,
    refold,
    resolve,
)
from graphmem.models import (
    Assertion,
    Entity,
    Episode,
    Fact,
    GraphChange,
    Known,
    KnownQuery,
    Policy,
    Scope,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The assertions that go, and the entities and names that must be decided again."""

    gone: tuple[Assertion, ...]
    entity_ids: frozenset[str]
    names: frozenset[str]

    def question(self, episode_ids: Sequence[str]) -> KnownQuery:
        """Return what is needed to decide them again."""
        return KnownQuery(
            episode_ids=tuple(episode_ids),
            entity_ids=tuple(sorted(self.entity_ids)),
            mentioned=tuple(sorted(self.names)),
            names=tuple(sorted(self.names)),
            slots=tuple(sorted({merges(a.scope) for a in self.gone})),
        )


def _introduces(assertion: Assertion) -> bool:
    """Return whether others may be decided by it: it names somebody, or tells people apart."""
    statement = assertion.statement
    ends = [statement.subject, *([statement.object] if statement.object else [])]
    return statement.predicate == HAS_NAME or any(not m.speaker for m in ends)


def _reach(assertions: Iterable[Assertion]) -> tuple[set[str], set[str]]:
    """Return the entities and names by which these assertions may decide others."""
    entity_ids: set[str] = set()
    names: set[str] = set()
    for a in assertions:
        if not _introduces(a):
            continue
        statement = a.statement
        ends = (statement.subject, statement.object)
        names |= {ids.name_key(m.name) for m in ends if m is not None and m.name}
        if a.subject_id and (not statement.subject.speaker or statement.predicate == HAS_NAME):
            entity_ids.add(a.subject_id)
        if a.object_id and statement.object is not None and not statement.object.speaker:
            entity_ids.add(a.object_id)
    return entity_ids, names


def begin(gone: Sequence[Assertion]) -> Erasure:
    """Return what erasing these assertions may reach."""
    entity_ids, names = _reach(gone)
    return Erasure(gone=tuple(gone), entity_ids=frozenset(entity_ids), names=frozenset(names))


def widen(erasure: Erasure, known: Known) -> Erasure:
    """Return the erasure with all who share a name with whom it reaches; a fixed point ends it."""
    inside = [e for e in known.entities if e.id in erasure.entity_ids]
    names = {n for e in inside for n in names_of(e) if not n.startswith("@")} | erasure.names
    namesakes = {e.id for e in known.entities if names & {*names_of(e)}}
    # Before a merge its two were told apart: who is decided again may be decided by either.
    merged = {i for e in known.entities if e.same_as for i in (e.id, e.same_as)}
    names |= {n for e in inside if e.id in merged for n in names_of(e)}
    reached = erasure.entity_ids | namesakes | merged
    # Whoever is known as theirs ("Anna's dog") may turn out to be somebody else's.
    theirs = {
        e.id for e in known.entities if {d.partition("@")[2] for d in e.descriptors} & reached
    }
    for name, whose, meant in _possessed(known.assertions):
        # To decide again who "Anna's dog Bo" is, both names must be: by then there may be two
        # Annas, and where there were, nobody was decided and it may now turn out to be this Bo.
        if meant in reached or name in names or (meant is None and whose in names):
            names |= {name, whose} - {""}
    return replace(erasure, entity_ids=reached | theirs, names=erasure.names | frozenset(names))


def _possessed(assertions: Iterable[Assertion]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the keys of each "Anna's dog Bo": his name, hers, and who was found to be meant."""
    for a in assertions:
        ends = ((a.statement.subject, a.subject_id), (a.statement.object, a.object_id))
        for mention, meant in ends:
            if mention is not None and mention.possessor:
                yield ids.name_key(mention.name), ids.name_key(mention.possessor), meant


def unlearn(
    scope: Scope,
    erasure: Erasure,
    episode_ids: Sequence[str],
    known: Known,
    *,
    table: Table,
    analyse: Analyse,
) -> Plan:
    """Return the change that erases, or the question about the slots that it must fold."""
    gone = {a.id for a in erasure.gone}
    doomed = erasure.entity_ids
    live = {a.id: a for a in known.assertions if a.id not in gone}
    again = {
        a.id
        for a in live.values()
        if {a.subject_id, a.object_id} & doomed or erasure.names & {*a.names}
    }
    resolver = Resolver(scope)
    resolver.learn(e for e in known.entities if e.id not in doomed)
    kept = {e.id for e in known.entities} - doomed
    settled: dict[str, Assertion] = {}
    again |= {a.id for a in live.values() if a.statement.predicate == SAME_AS}
    for a in sorted((live[i] for i in again), key=lambda a: (a.seq, a.ordinal)):
        settled[a.id] = resolve(a, resolver, table, kept=kept)
    settled |= {a.id: a for a in moved(settled.values(), resolver, table)}
    slots = {a.slot for a in erasure.gone} | {live[i].slot for i in again}
    slots |= {a.slot for a in settled.values()}
    wanted = {s for s in slots if s} - {merges(scope)}
    # Whoever is touched is known whole in the end, so whatever ends all that they have is too.
    everything = {**{a.id: a for a in erasure.gone}, **live, **settled}
    wanted |= beside(wanted, everything.values(), table)
    empty = GraphChange(scope=scope, stream=scope.stream)
    before = {e.id: e for e in known.entities}
    bystanders = _bystanders(erasure, settled.values()) & set(before)
    unseen = (
        wanted - {*known.slots} or bystanders - {*known.spans} or resolver.looked - {*known.names}
    )
    if unseen:
        return Plan(
            change=empty,
            question=KnownQuery(
                episode_ids=tuple(episode_ids),
                names=tuple(sorted(resolver.looked)),
                slots=tuple(sorted(wanted)),
                entity_ids=tuple(sorted(bystanders)),
            ),
        )
    remaining = {**live, **settled}
    entities, dead = _entities(resolver, before, doomed, settled.values(), known, bystanders)
    facts = refold(wanted, remaining.values(), {**resolver.entities, **entities}, table, analyse)
    put, retired, outcomes = difference(wanted, known.facts, facts)
    return Plan(
        change=replace(
            empty,
            put_entities=tuple(e for i, e in sorted(entities.items()) if before.get(i) != e),
            put_assertions=tuple(a for i, a in sorted(settled.items()) if a != live[i]),
            put_facts=put,
            delete_episodes=tuple(episode_ids),
            delete_entities=tuple(sorted(dead)),
            delete_assertions=tuple(sorted(gone)),
            delete_facts=retired,
        ),
        outcomes=outcomes,
        texts=fresh_texts(known.facts, put, retired),
    )


def _bystanders(erasure: Erasure, settled: Iterable[Assertion]) -> set[str]:
    """Return who is touched but not decided again: speakers, mostly.

    Nothing moves onto them or away: whoever shares a name is decided again, and a speaker is known
    by the author of the event.
    """
    found: set[str] = set()
    for a in (*erasure.gone, *settled):
        if a.statement.predicate == SAME_AS:
            continue
        found |= {i for i in (a.subject_id, a.object_id) if i} - erasure.entity_ids
    return found


def _entities(
    resolver: Resolver,
    before: Mapping[str, Entity],
    doomed: frozenset[str],
    settled: Iterable[Assertion],
    known: Known,
    bystanders: set[str],
) -> tuple[dict[str, Entity], set[str]]:
    """Return the entities as they now are, and those that nothing speaks of any more."""
    found = {i: e for i, e in resolver.entities.items() if e.same_as and i in doomed}
    for a in settled:
        if a.statement.predicate == SAME_AS:
            continue
        for entity_id in (a.subject_id, a.object_id):
            if entity_id is None or (entity_id in bystanders and entity_id in known.spans):
                continue
            entity = found.get(entity_id)
            first = entity.created_at if entity else a.recorded_at
            last = entity.updated_at if entity else a.recorded_at
            found[entity_id] = replace(
                resolver.entities[entity_id],
                created_at=min(first, a.recorded_at),
                updated_at=max(last, a.recorded_at),
            )
    dead = {i for i in doomed if i not in found and i in before}
    for entity_id in bystanders:
        span = known.spans.get(entity_id)
        if span is None or span.count == 0:
            if entity_id in before and entity_id not in found:
                dead.add(entity_id)
        else:
            entity = resolver.entities.get(entity_id) or before[entity_id]
            found[entity_id] = replace(entity, created_at=span.first, updated_at=span.last)
    return found, dead


# --------------------------------------------------------------------------- policies


def decayed(importance: float, at: datetime, now: datetime, half_life_days: float) -> float:
    """Return importance after exponential decay (Ebbinghaus, 1885, as commonly modelled)."""
    days = max(0.0, (now - at).total_seconds() / 86400)
    return importance * math.pow(0.5, days / half_life_days)


def overdue(
    facts: Sequence[Fact], episodes: Sequence[Episode], policy: Policy, *, now: datetime
) -> tuple[str, ...]:
    """Return the ids of the memories that the policy lets go, in a fixed order."""
    found: set[str] = set()
    if policy.max_age_days is not None:
        limit = policy.max_age_days * 86400
        found |= {e.id for e in episodes if (now - e.occurred_at).total_seconds() > limit}
    if policy.importance_floor is not None:
        found |= {
            f.id
            for f in facts
            if decayed(f.importance, f.recorded_at, now, policy.half_life_days)
            < policy.importance_floor
        }
    if policy.keep_per_topic is not None:
        by_topic: dict[str, list[Fact]] = {}
        for fact in facts:
            by_topic.setdefault(fact.topic or "", []).append(fact)
        for kept in by_topic.values():
            newest = sorted(kept, key=lambda f: (f.recorded_at, f.id), reverse=True)
            found |= {f.id for f in newest[policy.keep_per_topic :]}
    return tuple(sorted(found))
