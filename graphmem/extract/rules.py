"""The offline extractor: reads English sentences by a grammar of data, without any model.

Does not know who is meant across events, nor what was known before: it says what one event
states, each statement with the exact span it was read from. It prefers silence: questions,
conditions, wishes, plans, reports of others and whatever does not end cleanly yield nothing and
stay episodes. Only what users themselves say is read; assistants and tools state nothing.

What an event says may rest on those before it in its session: an answer on its question, "she" on
whom the last two events spoke of, a correction on what it corrects.

The shape follows the classical cascade of finite-state extractors (Hobbs et al., "FASTUS", 1997):
tokens, names and noun phrases, clauses, statements; each level bounded, so the work is linear in
the length of the text. Only the first ``MAX_CHARS`` characters and ``MAX_SENTENCES`` sentences of
an event are read (``sentences.py``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from graphmem.extract.addresses import Turns
from graphmem.extract.answers import YOU, AnswerReader, ask, named_again, turned
from graphmem.extract.belongings import BelongingReader
from graphmem.extract.bonds import BondReader
from graphmem.extract.cast import Cast
from graphmem.extract.clauses import Clause, ClauseReader, barred, statement_end, unreal
from graphmem.extract.contrasts import ContrastReader
from graphmem.extract.copula import CopulaReader
from graphmem.extract.corrections import CorrectionReader, mentions_of
from graphmem.extract.dates import Calendar, Date
from graphmem.extract.frames import FrameReader
from graphmem.extract.lexicon import Grammar, Table, load
from graphmem.extract.names import NameReader
from graphmem.extract.namings import NamingReader
from graphmem.extract.nouns import NounReader, Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.opinions import OpinionReader
from graphmem.extract.ownership import POINTING, OwnershipReader
from graphmem.extract.present import Present, spots
from graphmem.extract.refusals import refusals
from graphmem.extract.scene import Ref, Scene, addressee, authors, told_by
from graphmem.extract.sentences import Sentence, sentences
from graphmem.extract.statements import Quoter, Times, distinct, of_link, renamed
from graphmem.extract.succession import SuccessionReader
from graphmem.extract.suppositions import SuppositionReader
from graphmem.extract.talk import Talk
from graphmem.models import EntityKind, Event, Extraction, Mention, Statement

VERSION: Final = "rules/5"
MAX_CONTEXT: Final = 32
"""Events before a batch that are looked at: whom a pronoun means may lead from one to the next."""
_REACH: Final = 2
_REACH_OF_TALK: Final = 4
"""Events back that a pronoun may reach; turns between people are short."""


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
        """Return one extraction per event, in order; ``context`` are the events before.

        Of the context the last ``MAX_CONTEXT`` events count.
        """
        found: list[Extraction] = []
        read: dict[tuple[str, str], _Read] = {}
        turns = Turns(self._grammar)
        sessions: dict[str, list[Event]] = {}
        for event in context[-MAX_CONTEXT:]:
            sessions.setdefault(event.session_id, []).append(event)
        for event in events:
            before = sessions.setdefault(event.session_id, [])
            found.append(
                _Reading(self._grammar, event, tuple(before), read, turns).done().extraction
            )
            before.append(event)
        return found

    def steps(self, event: Event) -> int:
        """Return how many places of an event a pattern is tried at: the work, apart from time."""
        reading = _Reading(self._grammar, event, (), {}, Turns(self._grammar))
        reading.extraction()
        return reading.scene.steps


def speaks(event: Event) -> bool:
    """Whether an event is somebody's own word, so that statements are read from it."""
    return event.role == "user" and event.type == "user_message"


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read in one event: also whom it left for the pronouns of the next."""

    extraction: Extraction
    people: tuple[Ref, ...]
    kinds: tuple[tuple[str, EntityKind], ...]
    """Lower-case names, but of things, and of what kind each is."""
    offices: tuple[str, ...]
    """Names of organisations of several words."""


@dataclass(frozen=True, slots=True)
class _Denied:
    """The last clause of a sentence, where it was denied, and how to read it again."""

    clause: Clause
    read: Callable[[Clause], Iterable[Statement]]


@dataclass(slots=True)
class _Reading:
    """One event being read, with the events of its session before it."""

    grammar: Grammar
    event: Event
    before: Sequence[Event]
    read: dict[tuple[str, str], _Read]
    turns: Turns
    cast: Cast | None = None
    denied: _Denied | None = None
    scene: Scene = None  # pyright: ignore[reportAssignmentType]  # set in __post_init__
    calendar: Calendar = None  # pyright: ignore[reportAssignmentType]  # set in __post_init__

    def __post_init__(self) -> None:
        event = self.event
        named = speaks(event) and event.author
        self.scene = Scene(
            speaker=Mention(
                name=(event.author or "").strip() if named else "", kind="person", speaker=True
            ),
            addressee=addressee(event, self.before) if speaks(event) else YOU,
            known=self._known(),
            carried=self._carried,
        )
        self.scene.spelling = self._spelling
        self.scene.told = self._told
        self.calendar = Calendar(self.grammar, event.occurred_at)

    def _spelling(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for n in range(len(self.before)):
            found.update((name.lower(), name) for name in self._earlier(n).offices)
        return found

    def _told(self) -> Mapping[str, Sequence[Mention]]:
        found: dict[str, list[Mention]] = {}
        for n in range(len(self.before)):
            for x in self._earlier(n).extraction.statements:
                if x.predicate == "is_a" and x.polarity == "affirm" and x.subject.kind == "thing":
                    named = found.setdefault((x.value or "").lower(), [])
                    if all(m.name != x.subject.name for m in named):
                        named.append(x.subject)
        return found

    def _known(self) -> Mapping[str, EntityKind]:
        """The names that this session has told the kind of: its authors, and whom they spoke of."""
        known: dict[str, EntityKind] = {}
        for event in self.before:
            read = self.read.get((event.session_id, event.id))
            for name, kind in read.kinds if read is not None else ():
                known.setdefault(name, kind)
        for name in authors([*self.before, self.event]):
            known[name.lower()] = "person"
        return known

    def done(self) -> _Read:
        """Read the event, once."""
        key = (self.event.session_id, self.event.id)
        known = self.read.get(key)
        if known is None:
            extraction = self.extraction()
            self.scene.settle()
            named = [m for m in extraction.mentions if m.name]
            known = self.read[key] = _Read(
                extraction,
                people=tuple(r for r in self.scene.people if r.at >= self.scene.at - 1),
                kinds=tuple((m.name.lower(), m.kind) for m in named if m.kind != "thing"),
                offices=tuple(m.name for m in named if m.kind == "organization" and " " in m.name),
            )
        return known

    def _earlier(self, n: int) -> _Read:
        event = self.before[n]
        known = self.read.get((event.session_id, event.id))
        return known or _Reading(self.grammar, event, self.before[:n], self.read, self.turns).done()

    def _carried(self) -> Sequence[Sequence[Ref]]:
        """Whom each of the last events has left for "she", as this speaker names them."""
        asked = not speaks(self.event)
        names = authors([*self.before, self.event])
        reach = _REACH_OF_TALK if len(names) > 1 else _REACH
        out: list[Sequence[Ref]] = []
        for n in range(len(self.before) - 1, max(-1, len(self.before) - 1 - reach), -1):
            event = self.before[n]
            own = speaks(event) and event.author == self.event.author
            left: dict[object, Ref] = {}
            for ref in self._earlier(n).people:
                mention = ref.mention
                if not own and not asked and not speaks(event):
                    mention = named_again(mention, self.scene.speaker, None)
                elif asked and speaks(event):
                    mention = told_by(mention, YOU.name)
                elif not own:
                    mention = told_by(mention, event.author)
                if mention is not None and mention.name not in names and not mention.speaker:
                    key = mention.name.lower() or mention
                    left.setdefault(key, replace(ref, mention=mention))
            out.append(tuple(left.values()))
        return out

    def _answer(self, states: "_SentenceReader") -> list[Statement]:
        """What a sentence states as an answer to the question just before this event."""
        last = self.before[-1] if self.before else None
        if last is None or not last.text.rstrip().endswith("?"):
            return []
        if (last.role, last.author) == (self.event.role, self.event.author):
            return []
        asker = None
        if speaks(last) and last.author:
            asker = Mention(name=last.author.strip(), kind="person")
        return states.answers(self._asking(last), asker)

    def _asking(self, event: Event) -> "_SentenceReader":
        """The question that an event ends in, read as if the speaker here were "you"."""
        question = sentences(event.text)[-1]
        reading = _Reading(self.grammar, event, (), {}, self.turns)
        reading.scene = Scene(
            speaker=Mention(name="", kind="person", speaker=True), addressee=YOU,
            known=self.scene.known,
        )  # fmt: skip
        return _SentenceReader(reading, question, Quoter(event.text, question))

    def extraction(self) -> Extraction:
        """Read the event."""
        event = self.event
        if event.role not in ("user", "assistant"):
            return Extraction(event_id=event.id, extractor=VERSION)
        text = event.text
        found: list[Statement] = []
        supposed: list[Statement] = []
        wrong = False
        cut = sentences(text)
        talk = self._talk(cut)
        present: Present | None = None
        if talk is not None:
            self.cast = talk.cast()
            present = talk.present(self.cast)
            self.scene.addressee = talk.addressee(self.scene.addressee)
        for n, sentence in enumerate(cut):
            self.scene.settle()
            self.scene.at = n
            states = _SentenceReader(self, sentence, Quoter(text, sentence))
            if speaks(event):
                new = states.statements(wrong=wrong, earlier=found)
                wrong = states.corrects and not new
                found += new or (self._answer(states) if n < 2 and not found else [])
            if present is not None:
                supposed += states.supposed(present)
        if talk is not None and self.cast is not None:
            found = talk.read(found, self.scene.addressee, self.cast, self._told_before)
            found += talk.suppose(supposed, found, self.cast)
        statements = distinct(found) if speaks(event) else ()
        for mention in mentions_of([x for x in statements if x.polarity != "suppose"]):
            self.scene.note(mention)
        return Extraction(
            event_id=event.id, extractor=VERSION, statements=statements, mentions=self._mentions(),
        )  # fmt: skip

    def _talk(self, cut: Sequence[Sentence]) -> Talk | None:
        """This event as a turn of a talk between people; None where it is none."""
        names = authors([*self.before, self.event])
        people = len(names) > 1 and all(e.role == "user" for e in self.before)
        if not people or not cut or not self.event.author or not speaks(self.event):
            return None
        reader = NameReader(self.grammar, self.scene)
        turns = [self.turns.of(e, reader) for e in self.before]
        turns.append(self.turns.of(self.event, reader, cut))
        return Talk(self.grammar, names, turns, self.scene.speaker, self.event.text, cut)

    def _told_before(self) -> list[Statement]:
        """What the events before stated, as this speaker would put it."""
        said: list[Statement] = []
        for n, event in enumerate(self.before):
            own = event.author == self.event.author
            for x in self._earlier(n).extraction.statements if speaks(event) else ():
                subject = x.subject if own else told_by(x.subject, event.author)
                object_ = x.object if own or not x.object else told_by(x.object, event.author)
                if subject is not None and (object_ is not None or x.object is None):
                    said.append(replace(x, subject=subject, object=object_))
        return said

    def _mentions(self) -> tuple[Mention, ...]:
        """The mentions, without bare names that the event also gives with a description."""
        mentions = list(self.scene.mentions.values())
        if self.cast is not None:
            known = (self.cast.known(m) or m for m in mentions)
            mentions = list(dict.fromkeys(known))
        if not speaks(self.event):
            # An assistant's "my" and "your" are not the user's words.
            named = (m for m in mentions if m.name and not m.speaker and m != YOU)
            return tuple(dict.fromkeys(replace(m, descriptor=None, possessor=None) for m in named))
        described = {(m.name, m.kind) for m in mentions if m.descriptor and m.name}
        kinds = {m.name: m.kind for m in mentions if m.name and m.kind != "thing"}
        return tuple(
            m
            for m in mentions
            if m.descriptor is not None
            or m.speaker
            or m.new
            or ((m.name, m.kind) not in described and (m.kind != "thing" or m.name not in kinds))
        )

    def prior(self, earlier: Sequence[Statement]) -> Sequence[Statement]:
        """What this session stated before, oldest first: the events before, then this one."""
        said: list[Statement] = []
        for n, event in enumerate(self.before):
            if not speaks(event):
                continue
            said += self._earlier(n).extraction.statements
        return [*(x for x in said if x.polarity != "suppose"), *earlier]


class _SentenceReader:
    """One sentence being read."""

    def __init__(self, reading: _Reading, s: Sentence, quoter: Quoter) -> None:
        self._reading = reading
        self._s = s
        self._quoter = quoter
        self._names = NameReader(reading.grammar, reading.scene)
        self._dates: tuple[Date, ...] = reading.calendar.find(s)
        self._nouns: Nouns = self._read_nouns()
        self.corrects = False
        """Whether the sentence only announces that something was wrong."""

    def _read_nouns(self, meant: Mapping[int, Ref] = MappingProxyType({})) -> Nouns:
        reading = self._reading
        return NounReader(reading.grammar, reading.scene, self._names).read(self._s, meant)

    def statements(self, *, wrong: bool, earlier: Sequence[Statement]) -> list[Statement]:
        """Return what the sentence states, in order."""
        g, s = self._reading.grammar, self._s
        end = statement_end(s, g)
        if s.low(0) in g.openers or unreal(s, g):
            return []
        if end == 0:
            # "Have you met my sister Anna?" takes for granted what it does not ask.
            return self._links(len(s), granted=True)
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
        scene = self._reading.scene
        people = [r.mention for r in scene.people]
        scene.named_now.clear()
        found = [*self._links(end), *self._clauses(marks, end, objects, prior)]
        self._meet(found)
        come = [r for r in scene.people if r.mention not in people]
        # "Minji has a son, he's called …": he is no Minji.
        told = self._nouns.guessed and any(r.gender != "u" for r in come) and not scene.named_now
        if told or (self._nouns.loose and (come or scene.named_now)):
            # "We got a cat, her name is Luna": the clause before has told whom the pronoun means.
            meant = {i: r for i, r in self._nouns.meant.items() if not told or r.gender != "u"}
            self._nouns = self._read_nouns(meant)
            objects = ObjectReader(g, scene, s, self._nouns.refs, self._names, self._dates)
            found = [*self._links(end), *self._clauses(marks, end, objects, prior)]
        if scene.named_now:
            # "My dad is called Nils, he turned 61."
            found = [renamed(x, scene.named_now) for x in found]
        found += self._successions(objects, prior).taken_over(found)
        found = corrections.against(distinct(found))
        if not found and not any(marks[:1]):
            found = corrections.alone()
        elif self.corrects or wrong:
            found = corrections.stands_instead(found)
        return found

    def supposed(self, present: Present) -> list[Statement]:
        """Return what the sentence lets suppose of those who are there."""
        r, s = self._reading, self._s
        found = spots(r.grammar, r.scene, s, self._nouns, self._names, present)
        opinions = OpinionReader(r.grammar, r.scene, s, self._nouns, self._quoter)
        return list(SuppositionReader(
            r.grammar, r.scene, s, found, present, opinions, self._quoter, r.event.occurred_at
        ).read())  # fmt: skip

    def _meet(self, found: Sequence[Statement]) -> None:
        """Let pronouns mean those whom only a statement has shown to be people."""
        scene = self._reading.scene
        for mention in mentions_of(found):
            if (
                mention.kind == "person"
                and mention.name
                and mention.name.lower() not in scene.named
            ):
                scene.meet(Ref(mention=mention, start=0, end=0, kind="person"))

    def _links(self, end: int, *, granted: bool = False) -> list[Statement]:
        """The relations that introducing somebody states, unless only supposed.

        A question takes only those for ``granted`` that are the speaker's own.
        """
        now = self._reading.event.occurred_at
        supposing = self._reading.grammar.sets["supposing"]
        out: list[Statement] = []
        for link in self._nouns.links:
            supposed = supposing.intersection(self._s.lows[: link.start])
            own = link.possessor.speaker and link.predicate != "has_job" and not link.ended
            if link.end <= end and not supposed and (own or not granted):
                sure = replace(link, confidence=0.8) if granted else link
                out += of_link(sure, self._quoter.quote(link.start, link.end), now)
        return out

    def _successions(
        self, objects: ObjectReader, prior: Callable[[], Sequence[Statement]]
    ) -> SuccessionReader:
        return SuccessionReader(
            self._reading.grammar, self._s, self._nouns, objects, self._dates, self._quoter,
            self._reading.event.occurred_at, prior, self._reading.scene,
        )  # fmt: skip

    def _clauses(
        self, marks: Sequence[bool], end: int, objects: ObjectReader,
        prior: Callable[[], Sequence[Statement]],
    ) -> list[Statement]:  # fmt: skip
        g, s, scene = self._reading.grammar, self._s, self._reading.scene
        now = self._reading.event.occurred_at
        belongings = BelongingReader(g, scene, s, self._names, objects.values)
        frames = FrameReader(g, s, objects, belongings, self._dates, self._quoter, now)
        namings = NamingReader(g, scene, s, self._names, self._nouns, objects, self._quoter, now)
        owners = OwnershipReader(
            g, scene, s, self._names, self._nouns, objects.values, self._quoter
        )
        copulas = CopulaReader(
            g, scene, s, self._nouns, namings, objects, self._dates, self._quoter, now, owners
        )

        def read(clause: Clause) -> Iterable[Statement]:
            return copulas.read(clause) if clause.group.copula else frames.read(clause)

        out: list[Statement] = []
        clauses = list(ClauseReader(g, scene, s, self._nouns.refs, self._dates).read(marks, end))
        for clause in clauses:
            out += read(clause)
        out += self._contrasts(clauses, read, objects)
        if not any(marks[:1]):
            out += refusals(s, g, scene.speaker, self._quoter, Times(None, now))
            out += self._successions(objects, prior).read(clauses, out)
        if scene.addressee is not None or scene.speaker.name:
            out += OpinionReader(g, scene, s, self._nouns, self._quoter).read(end)
            out += BondReader(g, scene, s, self._nouns, self._quoter).read(end)
        for i in namings.places(end):
            if not marks[i]:
                out += namings.possessed(i) or namings.dubbed(i)
        for i, low in enumerate(s.lows[:end]):
            if low in POINTING and not marks[i]:
                out += owners.pointed(i)
        return sorted(out, key=lambda x: x.quote.start)

    def _contrasts(
        self,
        clauses: Sequence[Clause],
        read: Callable[[Clause], Iterable[Statement]],
        objects: ObjectReader,
    ) -> list[Statement]:
        """What "Karin is" says after "Tom isn't my boss", here or in the sentence before."""
        before = self._reading.denied
        if before is None and not clauses:
            return []
        reader = ContrastReader(self._s, self._nouns.refs, objects.values)
        out: list[Statement] = []
        for found in reader.read(clauses, before.clause if before is not None else None):
            if found.earlier and before is not None:
                quote = self._quoter.quote(found.start, found.end)
                out += [replace(x, quote=quote) for x in before.read(found.clause)]
            else:
                quote = self._quoter.quote(found.clause.opening, found.end)
                out += [replace(x, quote=quote) for x in read(found.clause)]
        last = clauses[-1] if clauses else None
        denied = last is not None and last.group.negation == "not"
        self._reading.denied = _Denied(last, read) if last is not None and denied else None
        return out

    def answers(self, asking: "_SentenceReader", asker: Mention | None) -> list[Statement]:
        """Return what this sentence states as the answer to a question."""
        g, scene, s = self._reading.grammar, self._reading.scene, self._s
        if s.question:
            return []
        objects = ObjectReader(g, scene, s, self._nouns.refs, self._names, self._dates)
        belongings = BelongingReader(g, scene, s, self._names, objects.values)
        reader = AnswerReader(g, s, self._names, objects, belongings, self._quoter)
        asked = ask(asking._s, g, asking._nouns)
        if asked is not None:
            about = named_again(asked.about, scene.speaker, asker)
            return reader.read(asked, about, scene.speaker) if about is not None else []
        if not reader.says_yes():
            return []
        quote = self._quoter.quote(0, 1 + max(i for i, w in enumerate(s.lows) if w[0].isalnum()))
        return [replace(x, quote=quote) for x in asking._agreed(scene.speaker, asker)]

    def _agreed(self, speaker: Mention, asker: Mention | None) -> Iterator[Statement]:
        """What agreeing to this yes-no question states."""
        text = turned(self._s, self._nouns)
        if text is None:
            return
        told = sentences(text)[0]
        for x in _SentenceReader(self._reading, told, Quoter(text, told)).statements(
            wrong=False, earlier=()
        ):
            subject = named_again(x.subject, speaker, asker)
            object_ = named_again(x.object, speaker, asker) if x.object is not None else None
            if x.polarity != "affirm" or subject is None or (x.object and object_ is None):
                continue
            yield replace(x, subject=subject, object=object_, confidence=min(x.confidence, 0.75))
