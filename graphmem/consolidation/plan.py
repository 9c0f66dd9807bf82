"""From what a batch of events states to the difference that it makes in the graph.

``ask`` says what must be known, ``plan`` folds the touched slots and returns the change. Where it
finds that it needs more (an entity got its name, so all its sentences change), it returns the
question instead, and is called again with the answer. Planning the same batch twice changes
nothing the second time. Does not know stores, models or clocks; texts are analysed by a function
that comes in.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from graphmem import ids
from graphmem.consolidation import trust
from graphmem.consolidation.assertions import HAS_NAME, MENTIONED, SAME_AS, Table, merges
from graphmem.consolidation.fold import (
    Version,
    object_key,
    of_all,
    slot_of,
    versions,
    whole_slot,
)
from graphmem.consolidation.identity import Resolver
from graphmem.consolidation.predicates import Predicate, closed_whole, get
from graphmem.models import (
    Assertion,
    Entity,
    Fact,
    GraphChange,
    Known,
    KnownQuery,
    Mention,
    Operation,
    Origin,
    Scope,
    Support,
    Watermark,
)

Analyse = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One named difference, for reports and logs."""

    operation: Operation
    fact_id: str
    text: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change and the names of its differences; or, first, a question.

    ``texts`` are the sentences, by fact id, that are new or read differently than before: what
    must be embedded.
    """

    change: GraphChange
    outcomes: tuple[Outcome, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    question: KnownQuery | None = None


# --------------------------------------------------------------------------- who is meant


def resolve(
    assertion: Assertion, resolver: Resolver, table: Table, *, kept: Container[str] = ()
) -> Assertion:
    """Return the assertion with its entities and slot; both None where it is undecided.

    An end that was decided before for one of ``kept`` stays with it. A merge takes effect here and
    stays as it is; ``moved`` does the rest, once all are resolved.
    """
    statement = assertion.statement
    if statement.predicate == SAME_AS:
        if assertion.subject_id and assertion.object_id:
            resolver.merge(assertion.subject_id, assertion.object_id, assertion.recorded_at)
        return assertion
    author = None if assertion.principal.startswith("@") else assertion.principal

    def who(mention: Mention, before: str | None) -> str | None:
        if before is not None and before in kept:
            return before
        return resolver.resolve(
            mention, author=author, event=assertion.episode_id, at=assertion.recorded_at
        )

    subject = who(statement.subject, assertion.subject_id)
    object_ = None
    if statement.object is not None:
        object_ = who(statement.object, assertion.object_id)
    undecided = subject is None or (statement.object is not None and object_ is None)
    found = replace(assertion, subject_id=subject, object_id=object_, slot=None)
    if undecided or subject is None or statement.predicate == MENTIONED or subject == object_:
        return found
    if (
        statement.predicate == HAS_NAME
        and statement.polarity == "affirm"
        and statement.value
        and not assertion.quarantined
    ):
        resolver.rename(subject, statement.value)
    predicate = get(table, statement.predicate)
    return replace(found, slot=slot_of(assertion.scope, subject, predicate, object_key(found)))


def moved(
    assertions: Iterable[Assertion], resolver: Resolver, table: Table
) -> tuple[Assertion, ...]:
    """Return those that speak of a merged entity, as spoken of whom it was found to be."""
    found: list[Assertion] = []
    for a in assertions:
        if a.statement.predicate == SAME_AS:
            continue
        subject = resolver.canonical(a.subject_id) if a.subject_id else None
        object_ = resolver.canonical(a.object_id) if a.object_id else None
        if (subject, object_) == (a.subject_id, a.object_id):
            continue
        there = replace(a, subject_id=subject, object_id=object_)
        slot = None
        if a.slot is not None and subject is not None and subject != object_:
            predicate = get(table, a.statement.predicate)
            slot = slot_of(a.scope, subject, predicate, object_key(there))
        found.append(replace(there, slot=slot))
    return tuple(found)


# --------------------------------------------------------------------------- plan


def ask(assertions: Sequence[Assertion], table: Table) -> KnownQuery:
    """Return what planning these assertions needs to know, in one read."""
    names = [n for a in assertions for n in a.names]
    stated = [a.statement for a in assertions if a.statement.predicate not in (MENTIONED, SAME_AS)]
    functional = {s.predicate for s in stated if get(table, s.predicate).functional}
    keyed = {s.predicate for s in stated} - functional
    whole = keyed & closed_whole(table)
    return KnownQuery(
        names=tuple(sorted(set(names))),
        predicates=tuple(sorted(functional | whole)),
        keyed=tuple(sorted(keyed - whole)),
        values=tuple(sorted({ids.name_key(s.value) for s in stated if s.value})),
        entity_ids=tuple(sorted(i for a in assertions for i in _merged_ends(a))),
        slots=tuple(sorted(merges(scope) for scope in {a.scope for a in assertions})),
    )


def _merged_ends(assertion: Assertion) -> Iterable[str]:
    if assertion.statement.predicate == SAME_AS:
        yield from (i for i in (assertion.subject_id, assertion.object_id) if i)


def plan(
    scope: Scope,
    assertions: Sequence[Assertion],
    known: Known,
    *,
    watermark: Watermark | None,
    table: Table,
    analyse: Analyse,
    released: frozenset[str] = frozenset(),
) -> Plan:
    """Resolve the assertions of a batch and fold what they touch. See the module's head.

    ``released`` are ids of assertions, of this batch or earlier, that leave quarantine.
    """
    resolver = Resolver(scope)
    resolver.learn(known.entities)
    before = {e.id: e for e in known.entities}
    stored = {a.id: a for a in known.assertions}
    told = [a for a in known.assertions if a.statement.predicate == SAME_AS]
    ordered = sorted(
        {a.id: a for a in (*told, *assertions)}.values(), key=lambda a: (a.seq, a.ordinal)
    )
    live = stored | {a.id: resolve(a, resolver, table) for a in ordered}
    live |= {a.id: replace(a, quarantined=False) for a in live.values() if a.id in released}
    live |= {a.id: a for a in moved(live.values(), resolver, table)}
    given = _ids(assertions)
    fresh = [a for a in live.values() if a.id in given or stored.get(a.id) != a]
    empty = GraphChange(scope=scope, stream=scope.stream, watermark=watermark)

    renamed = {i for i, e in before.items() if resolver.entities[i].name != e.name}
    slots = {a.slot for a in (*fresh, *(stored[a.id] for a in fresh if a.id in stored)) if a.slot}
    slots.discard(merges(scope))
    slots |= beside(slots, live.values(), table)
    question = _missing(assertions, known, resolver, renamed, slots, table)
    if question is not None:
        return Plan(change=empty, question=question)

    slots |= {a.slot for a in live.values() if a.slot and {a.subject_id, a.object_id} & renamed}
    slots.discard(merges(scope))
    asked = {(a.subject_id, a.statement.predicate) for a in live.values() if a.id in given}
    unread = _whole_slots(slots, live.values(), table, asked=asked) - {*known.slots}
    if unread:
        return Plan(change=empty, question=KnownQuery(slots=tuple(sorted(unread))))
    entities = _dated(resolver, fresh)
    facts = refold(slots, live.values(), {**resolver.entities, **entities}, table, analyse)
    put, gone, outcomes = difference(slots, known.facts, facts)
    return Plan(
        change=replace(
            empty,
            put_entities=tuple(e for i, e in sorted(entities.items()) if before.get(i) != e),
            put_assertions=tuple(a for a in fresh if stored.get(a.id) != a),
            put_facts=put,
            delete_facts=gone,
        ),
        outcomes=outcomes,
        texts=fresh_texts(known.facts, put, gone),
    )


def _ids(assertions: Iterable[Assertion]) -> set[str]:
    return {a.id for a in assertions}


def _missing(
    assertions: Sequence[Assertion],
    known: Known,
    resolver: Resolver,
    renamed: set[str],
    slots: set[str],
    table: Table,
) -> KnownQuery | None:
    """Return what deciding has shown to be needed and is not known; None if all is."""
    names = resolver.looked - {*known.names}
    if names:
        asked = ask(assertions, table)
        return replace(asked, names=tuple(sorted({*asked.names} | resolver.looked)))
    whole = renamed | resolver.merged
    if not whole <= set(known.spans):
        return KnownQuery(entity_ids=tuple(sorted(whole)))
    # What moves with a merge comes to slots that nobody has asked for.
    if resolver.merged and not slots <= set(known.slots):
        return KnownQuery(slots=tuple(sorted(slots)))
    return None


def beside(slots: Container[str], assertions: Iterable[Assertion], table: Table) -> set[str]:
    """Return the slots that fold with these: of the same subject, where something may end all."""
    whole = closed_whole(table)
    groups: dict[tuple[str | None, str], set[str]] = {}
    for a in assertions:
        if a.slot and a.statement.predicate in whole:
            groups.setdefault((a.subject_id, a.statement.predicate), set()).add(a.slot)
    touched = [group for group in groups.values() if any(slot in slots for slot in group)]
    return {slot for group in touched for slot in group}


def _whole_slots(
    slots: Container[str],
    assertions: Iterable[Assertion],
    table: Table,
    *,
    asked: Container[tuple[str | None, str]],
) -> set[str]:
    """Return the slots of what may end all in these, but for subjects that were asked for whole."""
    whole = closed_whole(table)
    return {
        whole_slot(a.scope, a.subject_id, get(table, a.statement.predicate))
        for a in assertions
        if a.slot
        and a.slot in slots
        and a.subject_id
        and a.statement.predicate in whole
        and (a.subject_id, a.statement.predicate) not in asked
    }


def _dated(resolver: Resolver, fresh: Iterable[Assertion]) -> dict[str, Entity]:
    """Return the entities that changed, with the times of the assertions that link to them."""
    spoken: dict[str, list[datetime]] = {}
    for a in fresh:
        if a.statement.predicate == SAME_AS:
            continue
        for entity_id in (a.subject_id, a.object_id):
            if entity_id:
                spoken.setdefault(entity_id, []).append(a.recorded_at)
    found = {i: resolver.entities[i] for i in resolver.touched}
    for entity_id, times in spoken.items():
        entity = resolver.entities[entity_id]
        first, last = min(entity.created_at, *times), max(entity.updated_at, *times)
        found[entity_id] = replace(entity, created_at=first, updated_at=last)
    return found


def refold(
    slots: Iterable[str],
    assertions: Iterable[Assertion],
    entities: Mapping[str, Entity],
    table: Table,
    analyse: Analyse,
) -> tuple[Fact, ...]:
    """Return every fact version of these slots, from their live assertions alone.

    What is of all that a subject has of a predicate is folded into each of its slots.
    """
    whole = closed_whole(table)
    by_slot: dict[str, list[Assertion]] = {slot: [] for slot in slots}
    ending: dict[tuple[str | None, str], list[Assertion]] = {}
    for a in assertions:
        if a.statement.predicate in whole and a.slot and of_all(a):
            ending.setdefault((a.subject_id, a.statement.predicate), []).append(a)
        elif a.slot in by_slot:
            by_slot[a.slot].append(a)
    found: list[Fact] = []
    for slot, stated in sorted(by_slot.items()):
        if stated:
            predicate = get(table, stated[0].statement.predicate)
            over = ending.get((stated[0].subject_id, predicate.name), ())
            found += [
                _fact(version, slot, predicate, entities, analyse)
                for version in versions([*stated, *over], predicate, slot=slot)
            ]
    return tuple(found)


def _fact(
    version: Version,
    slot: str,
    predicate: Predicate,
    entities: Mapping[str, Entity],
    analyse: Analyse,
) -> Fact:
    belief = version.belief
    support = belief.support
    first = support[0]
    # "value" may be compared without case but is shown as it was first written.
    object_name = entities[belief.object_id].name if belief.object_id else belief.value or ""
    over = belief.valid_to is not None and belief.valid_to <= version.recorded_at
    template = predicate.past if over else predicate.text
    text = template.replace("{s}", entities[belief.subject_id].name, 1).replace(
        "{o}", object_name, 1
    )
    source = max((a.source_class for a in support), key=lambda s: s.authority)
    return Fact(
        id=belief.id,
        scope=first.scope,
        slot=slot,
        subject_id=belief.subject_id,
        predicate=predicate.name,
        object_id=belief.object_id,
        value=belief.value,
        text=text,
        terms=analyse(text),
        type=predicate.type if first.statement.type == "semantic" else first.statement.type,
        topic=first.statement.topic or predicate.topic,
        status=belief.status,
        confidence=trust.confidence(support, contradicted=bool(belief.contradicts)),
        importance=max(predicate.importance, *(a.statement.importance for a in support)),
        source_class=source,
        origin=_origin(support),
        valid_from=belief.valid_from,
        valid_to=belief.valid_to,
        recorded_at=version.recorded_at,
        retired_at=version.retired_at,
        support=tuple(
            Support(
                assertion_id=a.id,
                event_id=a.event_id,
                episode_id=a.episode_id,
                quote=a.statement.quote.text,
                polarity=a.statement.polarity,
            )
            for a in support
        ),
        supersedes=belief.supersedes,
        reason=belief.reason,
        contradicts=belief.contradicts,
    )


def _origin(support: Sequence[Assertion]) -> Origin:
    return "explicit" if any(a.origin == "explicit" for a in support) else support[0].origin


# --------------------------------------------------------------------------- difference


def difference(
    slots: Iterable[str], old: Iterable[Fact], new: Iterable[Fact]
) -> tuple[tuple[Fact, ...], tuple[tuple[str, datetime], ...], tuple[Outcome, ...]]:
    """Return versions to put, versions to delete, and the names of the differences."""
    touched = set(slots)
    was = {(f.id, f.recorded_at): f for f in old if f.slot in touched}
    now = {(f.id, f.recorded_at): f for f in new}
    put = tuple(f for key, f in now.items() if was.get(key) != f)
    gone = tuple(sorted(key for key in was if key not in now))
    return put, gone, tuple(_outcomes(was.values(), now.values()))


def fresh_texts(
    old: Iterable[Fact], put: Iterable[Fact], gone: Iterable[tuple[str, datetime]]
) -> dict[str, str]:
    """Return the newest sentence of each fact that changed, where it was another one before.

    A fact has one vector, of what its newest version says: one that held, ended and holds again
    reads as it did once, and its vector is still that of the end.
    """
    taken = {*gone}
    before = {(f.id, f.recorded_at): f for f in old}
    after = {key: f for key, f in before.items() if key not in taken}
    after |= {(f.id, f.recorded_at): f for f in put}
    was, now = _newest_texts(before.values()), _newest_texts(after.values())
    touched = {f.id for f in put} | {i for i, _ in taken}
    return {i: now[i] for i in sorted(touched & {*now}) if was.get(i) != now[i]}


def _newest_texts(facts: Iterable[Fact]) -> dict[str, str]:
    return {f.id: f.text for f in sorted(facts, key=lambda f: f.recorded_at)}


def _outcomes(was: Iterable[Fact], now: Iterable[Fact]) -> Iterable[Outcome]:
    old = {f.id: f for f in was if f.retired_at is None}
    for fact in now:
        if fact.retired_at is not None:
            continue
        before = old.pop(fact.id, None)
        name: Operation | None = None
        if before is None:
            name = "CONFLICT" if fact.status == "conflict" else "CREATE"
            if fact.supersedes and fact.status == "active":
                name = "UPDATE"
        elif before.valid_to != fact.valid_to or before.valid_from != fact.valid_from:
            name = "UPDATE"
        elif len(before.support) < len(fact.support):
            name = "CORROBORATE"
        if name is not None:
            yield Outcome(operation=name, fact_id=fact.id, text=fact.text, event_ids=fact.event_ids)
    for fact in old.values():
        yield Outcome(
            operation="INVALIDATE", fact_id=fact.id, text=fact.text, event_ids=fact.event_ids
        )


def merge(changes: Sequence[GraphChange]) -> GraphChange:
    """Join the changes of one batch's scopes into one, to be written in one transaction."""
    first = changes[0]

    def all_of(name: str) -> tuple[object, ...]:
        return tuple(x for change in changes for x in getattr(change, name))

    lists = [f for f in GraphChange.__dataclass_fields__ if f.startswith(("put_", "delete_"))]
    return replace(first, **{name: all_of(name) for name in lists})
