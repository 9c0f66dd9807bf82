"""Facts as a pure fold of the live assertions of their slot.

``fold`` says what a set of assertions adds up to in the world (valid time); ``versions`` runs it
over the order in which they were learnt and so gives transaction time as well. Nothing else ever
makes a fact, so consolidating is idempotent, independent of the order of arrival, and undone by
taking an assertion away: add(A), add(B), delete(B) equals add(A). Does not know stores, texts or
identity.

Bi-temporal model: Snodgrass, *Developing Time-Oriented Database Applications in SQL* (2000),
chapter 10; the fold over an append-only set is the view of Jensen and Snodgrass, "Temporal data
management", TKDE 1999.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from graphmem import ids
from graphmem.consolidation import trust
from graphmem.consolidation.predicates import Predicate
from graphmem.models import Assertion, Scope, Status

_KIND: Final = re.compile(r"\(([^()]+)\)?$")  # a key has no mark at its end
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_STALE: Final = timedelta(days=31)
"""How much longer than it lasted something may have been spoken of as going on."""
_NOTHING: Final = "="
"""The key of what has neither object nor value; those of values begin so."""
_SERIES: Final = {"active": 0, "quarantined": 1, "supposed": 2}
"""Which facts of a slot are counted apart, for their ids."""


@dataclass(frozen=True, slots=True)
class Belief:
    """One stretch of time in which one object holds: a fact without its texts."""

    id: str
    subject_id: str
    object_id: str | None
    value: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    status: Status
    supersedes: str | None
    reason: str | None
    contradicts: tuple[str, ...]
    support: tuple[Assertion, ...]

    def same_version(self, other: "Belief") -> bool:
        """Return whether both say the same; support may have grown."""
        return replace(self, support=()) == replace(other, support=())


MIRRORED: Final = 50_000
"""Ordinals of what an event ends or denies of two, said of the other one: it notes nothing new."""
CLOSED: Final = 200_000
"""Ordinals of what ends because something else began: only what was so before."""
FINAL: Final = 400_000
"""Ordinals of what ends so because of what nothing follows, and of the denial that it did."""


@dataclass(frozen=True, slots=True)
class Version:
    """A belief and when it was held."""

    belief: Belief
    recorded_at: datetime
    retired_at: datetime | None


@dataclass(slots=True)
class _Run:
    """A belief in the making.

    ``held`` is the last moment at which it was affirmed, ``plain`` the last without saying since
    when, ``told`` the beginning that was told first.
    """

    object: str
    start: datetime | None
    end: datetime | None = None
    held: datetime = _EARLIEST
    plain: datetime = _EARLIEST
    told: datetime | None = None
    support: list[Assertion] = field(default_factory=list[Assertion])
    supersedes: "_Run | None" = None
    reason: str | None = None
    contradicts: list["_Run"] = field(default_factory=list["_Run"])

    def add(self, a: Assertion, at: datetime) -> None:
        """Take in an affirmation of ``at``."""
        self.support.append(a)
        self.held = max(self.held, at)
        if a.statement.valid_from is None:
            self.plain = max(self.plain, at)

    @property
    def source(self) -> Assertion:
        return max(self.support, key=lambda a: a.source_class.authority)


def object_key(assertion: Assertion) -> str:
    """Return what an assertion says of its subject: an entity, or a value as it is compared."""
    if assertion.object_id is not None:
        return assertion.object_id
    return _NOTHING + ids.name_key(assertion.statement.value or "")


def slot_of(scope: Scope, subject: str, predicate: Predicate, object_key_: str) -> str:
    """Return the slot: one per subject if functional, else one per subject and object."""
    if predicate.functional:
        kind = _KIND.search(object_key_) if predicate.by_kind else None
        of = () if kind is None else (kind[1],)
        return ids.derive("slot", scope.key, subject, predicate.name, *of)
    ends = sorted((subject, object_key_)) if predicate.symmetric else [subject, object_key_]
    return ids.derive("slot", scope.key, predicate.name, *ends)


def whole_slot(scope: Scope, subject: str, predicate: Predicate) -> str:
    """Return the slot of what ends all of a predicate that a subject has, whatever the objects.

    Only where each object has a slot: what ends all of a functional one is in its one slot.
    """
    return slot_of(scope, subject, predicate, _NOTHING)


def ends_all(assertion: Assertion) -> bool:
    """Return whether an assertion ends whatever there is, and names no object."""
    statement = assertion.statement
    return statement.polarity == "end" and assertion.object_id is None and not statement.value


def of_all(assertion: Assertion) -> bool:
    """Return whether an assertion is of whatever there is: its end, or that it has ended so."""
    return ends_all(assertion) or (
        assertion.statement.polarity == "deny"
        and assertion.ordinal >= FINAL
        and assertion.object_id is None
    )


def _stated(assertion: Assertion, predicate: Predicate) -> str:
    """Return what an assertion says of its slot: nothing more, where the slot is of a pair."""
    pair = predicate.symmetric and not predicate.functional
    return "" if pair and assertion.object_id is not None else object_key(assertion)


def _holds_at(assertion: Assertion) -> datetime:
    """Return the moment at which the statement is known to be true."""
    statement = assertion.statement
    if statement.polarity == "affirm" and statement.valid_to is not None:
        return statement.valid_to
    if statement.polarity == "end":
        return statement.valid_to or statement.valid_from or assertion.occurred_at
    if statement.valid_from is not None and statement.valid_from > assertion.occurred_at:
        return statement.valid_from
    return assertion.occurred_at


def _ends_behind(assertions: Sequence[Assertion], predicate: Predicate) -> Sequence[Assertion]:
    """Return assertions in the order of the world, but each end behind what it ends.

    Whoever tells of an end some weeks later may have spoken meanwhile of what had ended as of
    something that went on: that comes first, unless it is so much later that it may be a return.
    """
    ends = [a for a in assertions if a.statement.polarity == "end"]
    if not ends:
        return assertions
    said = [a for a in assertions if a.statement.polarity == "affirm" and not a.statement.valid_to]
    one = len({_stated(a, predicate) for a in said}) == 1
    behind: dict[str, datetime] = {}
    for end in ends:
        at, of = _holds_at(end), _stated(end, predicate)
        stale = [
            _holds_at(a)
            for a in said
            if (one if ends_all(end) else _stated(a, predicate) == of) and _stale(a, end, at)
        ]
        if stale:
            behind[end.id] = max(stale)
    if not behind:
        return assertions
    return sorted(assertions, key=lambda a: _world_order(a, behind=behind.get(a.id)))


def _stale(a: Assertion, end: Assertion, at: datetime) -> bool:
    """Return whether an affirmation was made before its end, of ``at``, was told, but after it."""
    since = a.statement.valid_from
    return (
        a.episode_id != end.episode_id
        and (a.occurred_at, a.seq) < (end.occurred_at, end.seq)
        and (since is None or since <= at)
        and timedelta(0) < _holds_at(a) - at <= _STALE
    )


def _world_order(
    assertion: Assertion, *, behind: datetime | None = None
) -> tuple[datetime, datetime, int, str, int]:
    # In one breath ("we moved to Aveiro three weeks ago, so I no longer live in Porto") the
    # beginning comes before the end: it says when the change was. What something else closes comes
    # before both ("I'm divorced, and married to Ann").
    last = assertion.statement.polarity == "end" and assertion.ordinal < CLOSED
    first = behind is None and assertion.ordinal >= CLOSED
    return (
        behind or _holds_at(assertion),
        assertion.occurred_at,
        0 if first else 2 if last or behind else 1,
        assertion.episode_id,
        assertion.ordinal,
    )


def _denied(assertions: Sequence[Assertion], predicate: Predicate) -> set[str]:
    """Return the ids of affirmations that a later, trusted enough denial takes back."""
    denials = [a for a in assertions if a.statement.polarity == "deny" and not a.quarantined]
    gone: set[str] = set()
    for denial in denials:
        for a in assertions:
            if (
                a.statement.polarity != "deny"
                and (a.ordinal >= FINAL) == (denial.ordinal >= FINAL)
                and _stated(a, predicate) == _stated(denial, predicate)
                and (a.occurred_at, a.seq, a.ordinal)
                < (denial.occurred_at, denial.seq, denial.ordinal)
                and trust.outranks(denial.source_class, a.source_class, predicate.authority)
            ):
                gone.add(a.id)
    return gone


def fold(assertions: Iterable[Assertion], predicate: Predicate, *, slot: str) -> tuple[Belief, ...]:
    """Return what the assertions of one slot add up to, by time.

    Independent of the order given. Quarantined assertions make quarantined beliefs of their own
    and touch nothing else. What is supposed stands only as long as nothing was said of the slot.
    """
    live = sorted(assertions, key=_world_order)
    said = [a for a in live if not trust.supposed(a)]
    denied = _denied(said, predicate)
    trusted = [a for a in said if not a.quarantined]
    runs = _runs([a for a in trusted if a.id not in denied], predicate)
    held_back = _runs([a for a in said if a.quarantined], predicate)
    beliefs = _beliefs(runs, slot, "active") + _beliefs(held_back, slot, "quarantined")
    if trusted:
        return beliefs
    guesses = _guesses((a for a in live if trust.supposed(a)), predicate)
    return beliefs + _beliefs(guesses, slot, "supposed")


def _runs(assertions: Sequence[Assertion], predicate: Predicate) -> list[_Run]:
    runs: list[_Run] = []
    current: _Run | None = None
    last: dict[str, Assertion] = {}
    for a in _ends_behind(assertions, predicate):
        key = _stated(a, predicate)
        match a.statement.polarity:
            case "deny":
                continue
            case "end":
                current = _end(a, runs, current, predicate)
                stays = current is not None and (ends_all(a) or current.object == key)
                if a.ordinal >= FINAL and not stays:
                    last[key] = a
            case _:
                end = last.get(key) or last.get(_NOTHING)
                if a.statement.valid_to is not None:
                    current = _past(a, runs, current, predicate)
                elif end is not None and _lasts(end, a, predicate):
                    _so_once(a, _ended(reversed(runs), key), runs, key, _holds_at(end))
                else:
                    current = _affirm(a, runs, current, predicate)
    return runs


def _lasts(end: Assertion, a: Assertion, predicate: Predicate) -> bool:
    """Return whether what has ended for good is only spoken of once more, and not another time."""
    since = a.statement.valid_from
    later = since is not None and since > _holds_at(end)
    return not later and trust.outranks(end.source_class, a.source_class, predicate.authority)


def _ended(runs: Iterable[_Run], key: str) -> _Run | None:
    return next((r for r in runs if r.object == key and r.end is not None), None)


def _so_once(a: Assertion, ended: _Run | None, runs: list[_Run], key: str, end: datetime) -> None:
    """Take in that something was so until ``end``: as of a stretch that is known, or a new one."""
    if ended is not None:
        ended.support.append(a)
    else:
        runs.append(_Run(object=key, start=a.statement.valid_from, end=end, support=[a]))


def _guesses(assertions: Iterable[Assertion], predicate: Predicate) -> list[_Run]:
    """Return one run for each object that is supposed: none of them ends another."""
    runs: dict[str, _Run] = {}
    for a in assertions:
        if a.quarantined:
            continue
        key, start = _stated(a, predicate), a.statement.valid_from or a.occurred_at
        run = runs.setdefault(key, _Run(object=key, start=start, end=a.statement.valid_to))
        run.support.append(a)
    return list(runs.values())


def _affirm(
    a: Assertion, runs: list[_Run], current: _Run | None, predicate: Predicate
) -> _Run | None:
    key, at = _stated(a, predicate), _holds_at(a)
    start = a.statement.valid_from or a.occurred_at
    if current is not None and current.object == key:
        current.add(a, at)
        if a.statement.valid_from is not None and (current.start is None or start < current.start):
            floor = current.supersedes.end if current.supersedes else None
            current.start = max(start, floor) if floor else start
        return current
    if current is not None and not trust.outranks(
        a.source_class, current.source.source_class, predicate.authority
    ):
        weaker = next((r for r in runs if r.object == key and current in r.contradicts), None)
        if weaker is None:
            weaker = _Run(object=key, start=start, contradicts=[current])
            runs.append(weaker)
        weaker.support.append(a)
        return current
    run = _Run(object=key, start=start, told=a.statement.valid_from)
    run.add(a, at)
    if current is not None:
        # The change lies between the last moment the old one was known to hold and now.
        run.start = current.end = min(max(start, _known_until(current, a)), at)
        run.supersedes, run.reason = current, "UPDATE"
    elif runs:
        closed = [r for r in runs if r.end is not None and not r.contradicts]
        last = max(closed, key=lambda r: r.end or _EARLIEST, default=None)
        if last is not None and last.end is not None and last.end <= at:
            run.start = max(start, last.end) if last.object != key else start
            run.supersedes = last if last.object != key else None
            run.reason = "UPDATE" if last.object != key else None
    runs.append(run)
    return run


def _known_until(run: _Run, other: Assertion) -> datetime:
    """Return the last moment at which a belief is known to have held before another took over.

    That is when it was said last; but where both say since when ("In 2019 I moved to Porto", "in
    2022 to Berlin"), they tell when it changed, and only what was said plainly is known better.
    """
    since = other.statement.valid_from
    if since is None or run.told is None or run.told >= since:
        return run.held
    return max(run.told, run.plain)


def _past(
    a: Assertion, runs: list[_Run], current: _Run | None, predicate: Predicate
) -> _Run | None:
    """Take in a statement about a closed stretch of time: it never moves what is current."""
    key, start, end = _stated(a, predicate), a.statement.valid_from, a.statement.valid_to
    for run in runs:
        if run.object == key and run is not current and run.end is not None:
            run.support.append(a)
            run.start = start if run.start is None else min(run.start, start or run.start)
            return current
    if current is not None and current.object == key:
        current.support.append(a)
        current.end = end
        if start is not None and (current.start is None or start < current.start):
            current.start = start
        return None
    runs.append(_Run(object=key, start=start, end=end, support=[a]))
    return current


def _end(a: Assertion, runs: list[_Run], current: _Run | None, predicate: Predicate) -> _Run | None:
    """Close what is current, if it is what the statement ends; else note that it was so once."""
    key, at = _stated(a, predicate), _holds_at(a)
    anything = ends_all(a)
    if current is not None and (anything or current.object == key):
        if not trust.outranks(a.source_class, current.source.source_class, predicate.authority):
            return current
        current.end = max(at, current.start) if current.start else at
        current.support.append(a)
        current.reason = current.reason or "UPDATE"
        return None
    if anything or a.ordinal >= MIRRORED:
        return current
    _so_once(a, _ended(runs, key), runs, key, at)
    return current


def _beliefs(
    runs: Sequence[_Run], slot: str, standing: Literal["active", "quarantined", "supposed"]
) -> tuple[Belief, ...]:
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for run in runs:
        n = counts[run.object] = counts.get(run.object, -1) + 1
        names[id(run)] = ids.derive("fact", slot, run.object, n, _SERIES[standing])
    against: dict[int, list[str]] = {}
    for run in runs:
        for other in run.contradicts:
            against.setdefault(id(other), []).append(names[id(run)])
    found: list[Belief] = []
    for run in runs:
        # Quoted by time, whatever the order of arrival; the subject and object as first stated.
        support = tuple(sorted(run.support, key=lambda a: (a.occurred_at, a.seq, a.ordinal, a.id)))
        first = support[0]
        status: Status = standing
        if standing == "active" and run.contradicts:
            status = "conflict"
        contradicts = sorted([names[id(c)] for c in run.contradicts] + against.get(id(run), []))
        found.append(
            Belief(
                id=names[id(run)],
                subject_id=first.subject_id or "",
                object_id=first.object_id,
                value=first.statement.value if first.object_id is None else None,
                valid_from=run.start,
                valid_to=run.end,
                status=status,
                supersedes=names[id(run.supersedes)] if run.supersedes else None,
                reason="CONFLICT" if run.contradicts else run.reason,
                contradicts=tuple(contradicts),
                support=support,
            )
        )
    return tuple(found)


def versions(
    assertions: Iterable[Assertion], predicate: Predicate, *, slot: str
) -> tuple[Version, ...]:
    """Return every version that was ever believed of a slot, by when it was recorded.

    Folds what was known after each moment of recording; O(moments × assertions).
    """
    known = sorted(assertions, key=lambda a: (a.recorded_at, a.id))
    open_: dict[str, tuple[Belief, datetime]] = {}
    done: list[Version] = []
    moments = sorted({a.recorded_at for a in known})
    position = 0
    for moment in moments:
        while position < len(known) and known[position].recorded_at <= moment:
            position += 1
        now = {b.id: b for b in fold(known[:position], predicate, slot=slot)}
        for fact_id, (belief, since) in list(open_.items()):
            current = now.get(fact_id)
            if current is None or not current.same_version(belief):
                done.append(Version(belief, since, moment))
                del open_[fact_id]
        for fact_id, belief in now.items():
            since = open_[fact_id][1] if fact_id in open_ else moment
            open_[fact_id] = (belief, since)
    done += [Version(belief, since, None) for belief, since in open_.values()]
    return tuple(sorted(done, key=lambda v: (v.recorded_at, v.belief.id)))
