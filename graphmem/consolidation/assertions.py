"""From what an extractor read in an event to the assertions that are kept.

Each belongs to its event, and dies with it: also what a statement says of somebody's other end,
what it ends beside itself, and who was only mentioned. Nothing is resolved here, so nothing of the
graph is known.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from graphmem import ids
from graphmem.consolidation import identity, trust
from graphmem.consolidation.fold import CLOSED, FINAL, MIRRORED
from graphmem.consolidation.predicates import Predicate, get
from graphmem.models import Assertion, Event, Extraction, Mention, Quote, Scope, Statement

MENTIONED: Final = "mentioned"
HAS_NAME: Final = "has_name"
SAME_AS: Final = "same_as"
_NOWHERE: Final = Quote(text="", start=0, end=0)
_MENTIONS: Final = 100_000  # their ordinals begin here
_MOST_CLOSED: Final = 64

Table = Mapping[str, Predicate]


def assert_all(
    scope: Scope, event: Event, extraction: Extraction, table: Table
) -> tuple[Assertion, ...]:
    """Return the assertions of one event's extraction, not yet resolved.

    A correction becomes a denial of what it replaces and an affirmation of what holds; a mention
    becomes an assertion of ``mentioned``, so that links to episodes live and die with them. What is
    mutual and one at most has a slot for each of the two: the speaker's is taken where they are
    one of them, and what ends or denies it is said of both. What begins ends what its predicate
    closes: who is divorced is married no more. What is only named on the way to its end ("My dog
    Rex died last week") was so, and is not said to be so still.
    """
    if event.seq is None or event.recorded_at is None:
        raise ValueError(f"event {event.id!r} has not been through the log")
    episode_id = ids.episode(scope.app, scope.user, event.session_id, event.id)
    principal = event.author or f"@{event.role}"
    stated: list[tuple[int, Statement]] = []
    ended = [s for s in extraction.statements if s.polarity == "end"]
    for i, statement in enumerate(extraction.statements):
        predicate = get(table, statement.predicate)
        if any(_on_the_way(statement, end, predicate) for end in ended):
            continue
        for j, part in enumerate(_parts(statement)):
            said, mirrored = _of_both(part, predicate)
            stated.append((2 * i + j, said))
            if mirrored is not None:
                stated.append((MIRRORED + 2 * i + j, mirrored))
            final = predicate.lasts(said.value) and bool(said.subject.name)
            first = (FINAL if final else CLOSED) + _MOST_CLOSED * (2 * i + j)
            over = _lost(said, predicate, table) if final else _closed(said, predicate)
            stated += enumerate(over, first)
    mentions = [*extraction.mentions, *_possessors(extraction)]
    for j, mention in enumerate(dict.fromkeys(mentions)):
        bare = Statement(subject=mention, predicate=MENTIONED, quote=_NOWHERE, confidence=1.0)
        stated.append((_MENTIONS + j, bare))
    return tuple(
        Assertion(
            id=ids.within(episode_id, "assertion", scope.key, extraction.extractor, ordinal),
            scope=scope,
            event_id=event.id,
            episode_id=episode_id,
            session_id=event.session_id,
            seq=event.seq,
            ordinal=ordinal,
            statement=statement,
            extractor=extraction.extractor,
            source_class=event.source_class,
            origin=event.origin,
            principal=principal,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            names=_names(statement, event.author, scope),
            quarantined=statement.predicate != MENTIONED
            and trust.suspicious(f"{statement.quote.text}\n{statement.value or ''}"),
        )
        for ordinal, statement in stated
    )


def assert_merge(scope: Scope, event: Event, keep: str, other: str) -> Assertion:
    """Return a decision that two entities are one. It holds ids alone, and no name to erase."""
    if event.seq is None or event.recorded_at is None:
        raise ValueError(f"event {event.id!r} has not been through the log")
    episode_id = ids.episode(scope.app, scope.user, event.session_id, event.id)
    nobody = Mention(name="", kind="concept")
    return Assertion(
        id=ids.within(episode_id, "assertion", scope.key, "decision", 0),
        scope=scope,
        event_id=event.id,
        episode_id=episode_id,
        session_id=event.session_id,
        seq=event.seq,
        ordinal=0,
        statement=Statement(subject=nobody, predicate=SAME_AS, object=nobody, quote=_NOWHERE),
        extractor="decision",
        source_class=event.source_class,
        origin=event.origin,
        principal=f"@{event.role}",
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        subject_id=keep,
        object_id=other,
        slot=merges(scope),
    )


def merges(scope: Scope) -> str:
    """Return the slot of a scope's merges: read as a whole, and no fact's."""
    return ids.derive("slot", scope.key, SAME_AS)


def _parts(statement: Statement) -> tuple[Statement, ...]:
    if statement.polarity != "correct":
        return (statement,)
    holds = replace(statement, polarity="affirm", replaces=None)
    if not statement.replaces:
        return (holds,)
    wrong = replace(statement, polarity="deny", replaces=None, valid_from=None, valid_to=None)
    if statement.object is not None:
        other = Mention(name=statement.replaces, kind=statement.object.kind)
        return (replace(wrong, object=other), holds)
    return (replace(wrong, value=statement.replaces), holds)


def _on_the_way(statement: Statement, end: Statement, predicate: Predicate) -> bool:
    """Return whether a statement is part of the words that say that the same has ended."""
    if (
        statement.polarity != "affirm"
        or statement.predicate != end.predicate
        or statement.value != end.value
        or statement.valid_from is not None
        or statement.valid_to is not None
    ):
        return False
    inner, outer = statement.quote, end.quote
    longer = outer.end - outer.start > inner.end - inner.start
    if not (longer and outer.start <= inner.start and inner.end <= outer.end):
        return False
    ends = (statement.subject, statement.object)
    return ends == (end.subject, end.object) or (
        predicate.symmetric and ends == (end.object, end.subject)
    )


def _of_both(statement: Statement, predicate: Predicate) -> tuple[Statement, Statement | None]:
    """Return a statement as said of the speaker first, and what it says of the other one's slot."""
    other = statement.object
    if other is None or not (predicate.symmetric and predicate.functional):
        return statement, None
    turned = replace(statement, subject=other, object=statement.subject)
    if other.speaker and not statement.subject.speaker:
        statement, turned = turned, statement
    return statement, turned if statement.polarity in ("end", "deny") else None


def _closed(statement: Statement, predicate: Predicate) -> Iterator[Statement]:
    """Yield the ends of other states that a statement of what began tells, whatever they are."""
    if statement.polarity != "affirm" or statement.valid_to is not None:
        return
    who = [statement.subject]
    if predicate.symmetric and statement.object is not None:
        who.append(statement.object)
    for closed in predicate.closed_by(statement.value)[: _MOST_CLOSED // 2]:
        name, _, value = closed.partition("=")
        for subject in who:
            yield replace(
                statement, subject=subject, predicate=name, object=None, value=value or None,
                polarity="end", valid_from=None, valid_to=statement.valid_from,
            )  # fmt: skip


def _lost(statement: Statement, predicate: Predicate, table: Table) -> Iterator[Statement]:
    """Yield what ends for good with what is final; where that is denied, that none of it did.

    Of what is mutual and one at most the speaker's own slot may tell of it as well. Of a nameless
    one nothing is final: "my dog" may be the next one by now.
    """
    me = Mention(name="", kind="person", speaker=True)
    denied = statement.polarity == "deny"
    if denied:
        statement = replace(statement, polarity="affirm", valid_from=None, valid_to=None)
    for closed in _closed(statement, predicate):
        end = replace(closed, polarity="deny") if denied else closed
        yield end
        of = get(table, end.predicate)
        if of.symmetric and of.functional and not statement.subject.speaker:
            yield replace(end, subject=me, object=statement.subject)


def _possessors(extraction: Extraction) -> Iterable[Mention]:
    """Yield whose relations are spoken of: they are mentioned, too."""
    spoken = [*extraction.mentions]
    for s in extraction.statements:
        spoken += [s.subject, *([s.object] if s.object else [])]
    for mention in spoken:
        if mention.descriptor:
            if mention.possessor:
                yield Mention(name=mention.possessor, kind="person")
            else:
                yield Mention(name="", kind="person", speaker=True)


def _names(statement: Statement, author: str | None, scope: Scope) -> tuple[str, ...]:
    found: list[str] = []
    for mention in (statement.subject, statement.object):
        if mention is not None:
            found += identity.keys_of(mention, author, scope)
    if statement.predicate == HAS_NAME and statement.value:
        found.append(ids.name_key(statement.value))
    return tuple(sorted(set(found)))
