"""The offline extractor: reads English sentences by a grammar of data, without any model.

Does not know who is meant across events, nor what was known before: it says what one event
states, each statement with the exact span it was read from. It prefers silence: questions,
conditions, wishes, plans, reports of others and whatever does not end cleanly yield nothing and
stay episodes. Only what users themselves say is read; assistants and tools state nothing.

The shape follows the classical cascade of finite-state extractors (Hobbs et al., "FASTUS", 1997):
tokens, names and noun phrases, clauses, statements; each level bounded, so the work is linear in
the length of the text. Only the first ``MAX_CHARS`` characters and ``MAX_SENTENCES`` sentences of
an event are read (``sentences.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphmem.extract.belongings import BelongingReader
from graphmem.extract.clauses import ClauseReader, barred, statement_end, unreal
from graphmem.extract.copula import CopulaReader
from graphmem.extract.corrections import CorrectionReader, mentions_of
from graphmem.extract.dates import Calendar, Date
from graphmem.extract.frames import FrameReader
from graphmem.extract.lexicon import Grammar, Table, load
from graphmem.extract.names import NameReader
from graphmem.extract.namings import NamingReader
from graphmem.extract.nouns import NounReader, Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Scene, addressee, authors
from graphmem.extract.sentences import Sentence, sentences
from graphmem.extract.statements import Quoter, of_link
from graphmem.models import EntityKind, Event, Extraction, Mention, Statement

VERSION: Final = "rules/1"
_SUPPOSING: Final = frozenset(
    {"if", "suppose", "supposing", "imagine", "pretend", "wish", "unless"}
)


class RulesExtractor:
    """Reads statements by rules. Deterministic; safe to share; no I/O after construction."""

    def __init__(self, grammar: Path | Table | None = None) -> None:
        """Load the shipped grammar, with a user's own file or mapping merged over it."""
        self._grammar = load(grammar)

    @property
    def version(self) -> str:
        return VERSION

    async def extract(
        self, events: Sequence[Event], *, context: Sequence[Event] = ()
    ) -> Sequence[Extraction]:
        """Return one extraction per event, in order; ``context`` are the events before."""
        found: list[Extraction] = []
        read: dict[str, Extraction] = {}
        for n, event in enumerate(events):
            before = [e for e in (*context, *events[:n]) if e.session_id == event.session_id]
            extraction = _Reading(self._grammar, event, before, read).extraction()
            read[event.id] = extraction
            found.append(extraction)
        return found

    def steps(self, event: Event) -> int:
        """Return how many places of an event a pattern is tried at: the work, apart from time."""
        reading = _Reading(self._grammar, event, (), {})
        reading.extraction()
        return reading.scene.steps


def speaks(event: Event) -> bool:
    """Whether an event is somebody's own word, so that statements are read from it."""
    return event.role == "user" and event.type == "user_message"


@dataclass(slots=True)
class _Reading:
    """One event being read, with the events of its session before it."""

    grammar: Grammar
    event: Event
    before: Sequence[Event]
    read: dict[str, Extraction]
    scene: Scene = None  # pyright: ignore[reportAssignmentType]  # set in __post_init__
    calendar: Calendar = None  # pyright: ignore[reportAssignmentType]  # set in __post_init__

    def __post_init__(self) -> None:
        event = self.event
        named = speaks(event) and event.author
        self.scene = Scene(
            speaker=Mention(
                name=(event.author or "").strip() if named else "", kind="person", speaker=True
            ),
            addressee=addressee(event, self.before) if speaks(event) else None,
            known=self._known(),
        )
        self.calendar = Calendar(self.grammar, event.occurred_at)

    def _known(self) -> Mapping[str, EntityKind]:
        """The names that this session has told the kind of: its authors, and whom they spoke of."""
        known: dict[str, EntityKind] = {}
        for event in self.before:
            extraction = self.read.get(event.id)
            for m in extraction.mentions if extraction is not None else ():
                if m.name and m.kind != "thing":
                    known.setdefault(m.name.lower(), m.kind)
        for name in authors([*self.before, self.event]):
            known[name.lower()] = "person"
        return known

    def extraction(self) -> Extraction:
        """Read the event."""
        event = self.event
        if event.role not in ("user", "assistant"):
            return Extraction(event_id=event.id, extractor=VERSION)
        text = event.text
        found: list[Statement] = []
        wrong = False
        for sentence in sentences(text):
            states = _SentenceReader(self, sentence, Quoter(text, sentence))
            if speaks(event):
                new = states.statements(wrong=wrong, earlier=found)
                wrong = states.corrects and not new
                found += new
        statements = _distinct(found) if speaks(event) else ()
        for mention in mentions_of(statements):
            self.scene.note(mention)
        return Extraction(
            event_id=event.id, extractor=VERSION, statements=statements, mentions=self._mentions(),
        )  # fmt: skip

    def _mentions(self) -> tuple[Mention, ...]:
        """The mentions, without bare names that the event also gives with a description."""
        mentions = list(self.scene.mentions.values())
        if not speaks(self.event):
            # An assistant's "my" and "your" are not the user's words.
            return tuple(m for m in mentions if m.name and not m.speaker and m.descriptor is None)
        described = {m.name for m in mentions if m.descriptor and m.name}
        kinds = {m.name: m.kind for m in mentions if m.name and m.kind != "thing"}
        return tuple(
            m
            for m in mentions
            if m.descriptor is not None
            or m.speaker
            or m.new
            or (m.name not in described and (m.kind != "thing" or m.name not in kinds))
        )

    def prior(self, earlier: Sequence[Statement]) -> Sequence[Statement]:
        """What this session stated before, oldest first: the events before, then this one."""
        said: list[Statement] = []
        for n, event in enumerate(self.before):
            if not speaks(event):
                continue
            known = self.read.get(event.id)
            if known is None:
                known = _Reading(self.grammar, event, self.before[:n], self.read).extraction()
                self.read[event.id] = known
            said += known.statements
        return [*said, *earlier]


class _SentenceReader:
    """One sentence being read."""

    def __init__(self, reading: _Reading, s: Sentence, quoter: Quoter) -> None:
        self._reading = reading
        self._s = s
        self._quoter = quoter
        self._names = NameReader(reading.grammar, reading.scene)
        self._dates: tuple[Date, ...] = reading.calendar.find(s)
        self._nouns: Nouns = NounReader(reading.grammar, reading.scene, self._names).read(s)
        self.corrects = False
        """Whether the sentence only announces that something was wrong."""

    def statements(self, *, wrong: bool, earlier: Sequence[Statement]) -> list[Statement]:
        """Return what the sentence states, in order."""
        g, s = self._reading.grammar, self._s
        end = statement_end(s, g)
        if end == 0 or s.low(0) in g.openers or unreal(s, g):
            return []
        marks = barred(s, g, self._dates)
        objects = ObjectReader(
            g, self._reading.scene, s, self._nouns.refs, self._names, self._dates
        )

        def prior() -> Sequence[Statement]:
            # Read only when something is corrected: it may extract the events before.
            return self._reading.prior(earlier)

        corrections = CorrectionReader(
            g, s, self._names, objects.values, self._dates, self._quoter, prior
        )
        self.corrects = corrections.says_wrong()
        found = [*self._links(end), *self._clauses(marks, end, objects)]
        found = corrections.against(_distinct(found))
        if not found and not any(marks[:1]):
            found = corrections.alone()
        elif self.corrects or wrong:
            found = corrections.stands_instead(found)
        return found

    def _links(self, end: int) -> list[Statement]:
        """The relations that introducing somebody states, unless only supposed."""
        now = self._reading.event.occurred_at
        out: list[Statement] = []
        for link in self._nouns.links:
            before = self._s.lows[: link.start]
            if link.end <= end and not any(w in _SUPPOSING for w in before):
                out += of_link(link, self._quoter.quote(link.start, link.end), now)
        return out

    def _clauses(self, marks: Sequence[bool], end: int, objects: ObjectReader) -> list[Statement]:
        g, s, scene = self._reading.grammar, self._s, self._reading.scene
        now = self._reading.event.occurred_at
        belongings = BelongingReader(g, scene, s, self._names, objects.values)
        frames = FrameReader(g, s, objects, belongings, self._dates, self._quoter, now)
        namings = NamingReader(g, scene, s, self._names, self._nouns, objects, self._quoter)
        copulas = CopulaReader(
            g, scene, s, self._nouns, namings, objects, self._dates, self._quoter, now
        )
        out: list[Statement] = []
        for clause in ClauseReader(g, scene, s, self._nouns.refs, self._dates).read(marks, end):
            out += copulas.read(clause) if clause.group.copula else frames.read(clause)
        for i in range(end):
            if not marks[i]:
                out += namings.possessed(i)
        return sorted(out, key=lambda x: x.quote.start)


def _distinct(found: Sequence[Statement]) -> tuple[Statement, ...]:
    """Drop repetitions (the first stays) and whatever relates somebody to themselves."""
    kept: dict[tuple[object, ...], Statement] = {}
    for s in found:
        if s.object is not None and _who(s.subject) == _who(s.object):
            continue
        key = (_who(s.subject), s.predicate, _who(s.object), (s.value or "").lower(), s.polarity)
        kept.setdefault(key, s)
    return tuple(kept.values())


def _who(mention: Mention | None) -> tuple[object, ...]:
    if mention is None:
        return ()
    return (
        mention.speaker,
        mention.name.lower(),
        "" if mention.name else mention.descriptor,
        mention.kind,
    )
