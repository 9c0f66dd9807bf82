"""Reads how people are addressed, as in "Thanks, Mel!", "Hi Dad!" and "Thank you, doctor".

Does not know verbs. Who is spoken to is told by the turns alone. Between two people it is the other
one. Among several the person just before is meant in one case of three, whoever answers in one of
two; so a name is given to somebody only once the turns agree: called by the one who spoke just
before, and answering next; or nobody having spoken before, and answering. Each call counts by how
often such turns are right, calls add up, and whoever leads by too little stays nameless. Nobody is
called what they call others.

Only somebody whose author's name is no name ("Speaker 2") gets one so; for others a short form of
their name is another name of theirs.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import Name, NameReader
from graphmem.extract.sentences import Sentence, sentences
from graphmem.extract.statements import statement
from graphmem.models import Event, Mention, Quote, Statement

_PLACEHOLDER: Final = re.compile(
    r"(?:speaker|user|person|guest|participant|caller|customer|client|member)?[ _#-]?\d{0,4}",
    re.IGNORECASE,
)
ENDS: Final = frozenset({",", ".", "!", "?", "…", ";", "-", "–", "—", ""})
_BOTH: Final = 2.0
_ANSWERS: Final = 1.5
_OTHER: Final = 1.0
_SHOWN: Final = 1.5
_SOON: Final = 3
"""Turns within which somebody who is introduced says something."""
_BEFORE: Final = 0.35
_AFTER: Final = 0.6
_ENOUGH: Final = 1.5
_LEAD: Final = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """A word by which somebody is addressed, at tokens ``start`` to ``end`` of a sentence.

    ``kind`` says what it is: a name, what they are to the caller, what they work as, the name that
    somebody gives as their own, or that of somebody who is introduced.
    """

    text: str
    kind: Literal["name", "kin", "job", "self", "shown"]
    start: int
    end: int
    sentence: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """Who spoke, and whom they called what."""

    author: str
    calls: tuple[Call, ...]
    greets: bool = False
    """Whether it begins with a greeting."""


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody who was found to be meant by a call; ``by`` is empty where it does not matter."""

    author: str
    text: str
    kind: Literal["name", "kin", "job"]
    by: str
    confidence: float
    own: bool = False
    """Whether they said so themselves."""


def has_no_name(author: str) -> bool:
    """Whether an author's name only numbers a speaker."""
    return _PLACEHOLDER.fullmatch(author) is not None


def called(
    turns: Sequence[Turn], *, enough: float = _ENOUGH, lead: float = _LEAD
) -> Mapping[tuple[str, str, str], Called]:
    """Return who was found to be meant by which call, by the call's word, kind and caller.

    Whoever has ``enough`` votes and ``lead`` times those of the next one. O(turns · calls). Authors
    of several people's words at once are nobody.
    """
    names = list(dict.fromkeys(t.author for t in turns if t.author and "," not in t.author))
    use: dict[tuple[str, str, str], dict[str, float]] = {}
    text: dict[tuple[str, str, str], str] = {}
    callers: dict[str, set[str]] = {}
    own: dict[tuple[str, str, str], str] = {}
    for i, turn in enumerate(turns):
        for call in turn.calls:
            low = call.text.lower()
            if call.kind == "self":
                own.setdefault((low, "name", ""), turn.author)
                text.setdefault((low, "name", ""), call.text)
                continue
            if call.kind == "name":
                callers.setdefault(low, set()).add(turn.author)
            kind = "name" if call.kind == "shown" else call.kind
            key = (low, kind, turn.author if kind == "kin" else "")
            text.setdefault(key, call.text)
            votes = use.setdefault(key, {})
            if call.kind == "shown":
                newcomer = _newcomer(turns, i)
                if newcomer:
                    votes[newcomer] = votes.get(newcomer, 0.0) + _SHOWN
                continue
            for author, weight in _votes(turns, i, names):
                votes[author] = votes.get(author, 0.0) + weight
    found: dict[tuple[str, str, str], Called] = {}
    for key, author in own.items():
        found[key] = Called(author, text[key], "name", "", 0.85, own=True)
    for key, votes in use.items():
        if key in own:
            continue
        for author in callers.get(key[0], ()):
            votes.pop(author, None)
        ranked = sorted(votes.items(), key=lambda item: -item[1])
        if not ranked or ranked[0][1] < enough or "," in ranked[0][0]:
            continue
        if len(ranked) > 1 and ranked[0][1] < lead * ranked[1][1]:
            continue
        sure = min(0.85, 0.55 + 0.05 * ranked[0][1] + 0.1 * (len(names) == 2))
        found[key] = Called(ranked[0][0], text[key], _kind(key[1]), key[2], sure)
    return found


def _kind(kind: str) -> Literal["name", "kin", "job"]:
    return "name" if kind == "name" else "kin" if kind == "kin" else "job"


def _newcomer(turns: Sequence[Turn], i: int) -> str:
    """Return who speaks for the first time soon after turn ``i``, with a greeting."""
    known = {turn.author for turn in turns[: i + 1]}
    for turn in turns[i + 1 : i + 1 + _SOON]:
        if turn.author and turn.author not in known and "," not in turn.author:
            return turn.author if turn.greets else ""
    return ""


def _votes(turns: Sequence[Turn], i: int, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield who may be meant by a call in turn ``i``, and how much that counts."""
    me, people = turns[i].author, len(names)
    if people == 2 and me in names and not any(map(has_no_name, names)):
        yield names[names[0] == me], _BOTH
        return
    before = turns[i - 1].author if i > 0 else ""
    after = turns[i + 1].author if i + 1 < len(turns) else ""
    before = before if before != me else ""
    after = after if after != me else ""
    if before and before == after:
        yield before, _BOTH
    elif before and not after and people == 2:
        # Both have spoken before: nobody else is there, it seems.
        yield before, _OTHER + (i > 1) / 2
    elif after and not before:
        yield after, _ANSWERS
    else:
        if before:
            yield before, _BEFORE
        if after:
            yield after, _AFTER


class AddressReader:
    """Reads the addresses in one sentence."""

    __slots__ = ("_g", "_names", "_s")

    def __init__(self, grammar: Grammar, s: Sentence, names: NameReader) -> None:
        self._g = grammar
        self._s = s
        self._names = names

    def read(self, sentence: int = 0) -> Iterator[Call]:
        """Yield the names and words that stand by themselves between marks: "Well, Mel, …"."""
        s, g = self._s, self._g
        for i, low in enumerate(s.lows):
            if s.lows[i - 1] in ("'m", "am") and i > 1 and s.lows[i - 2] == "i":
                name = self._names.person(s, i, strong=True) if s.capital(i) else None
                if name is not None and name.kind == "person" and s.low(name.end) in ENDS:
                    yield Call(name.text, "self", i, name.end, sentence)
            elif low in g.sets["called_kin"]:
                if s.low(i + 1) in ENDS and self.stands_alone(i, i + 1):
                    yield Call(g.kin[low].noun, "kin", i, i + 1, sentence)
            elif low in g.sets["called_jobs"]:
                if s.low(i + 1) in ENDS and self.stands_alone(i, i + 1):
                    yield Call(low, "job", i, i + 1, sentence)
            elif low == "this" and s.low(i + 1) in ("is", "'s"):
                shown = self._shown(i + 2)
                if shown is not None:
                    yield Call(shown.text, "shown", i, shown.end, sentence)
            elif s.capital(i) and low not in g.months and low not in g.sets["not_called"]:
                name = self._names.person(s, i, strong=True)
                if name is None or name.end - i > 2 or s.low(name.end) not in ENDS:
                    continue
                known = name.kind == "person" or low in g.given or self._nickname(i, name.end)
                if known and self.stands_alone(i, name.end):
                    yield Call(name.text, "name", i, name.end, sentence)

    def _shown(self, at: int) -> Name | None:
        """Read "(this is) Tom", "(this is) my new flatmate Tom": who is introduced."""
        s, g = self._s, self._g
        first = at
        while at - first < 4 and (s.low(at) in ("my", "our", ",") or s.low(at) in g.modifiers):
            at += 1
        at += s.low(at) in g.kin
        at += s.low(at) == ","
        name = self._names.person(s, at, strong=True) if s.capital(at) else None
        return name if name is not None and s.low(name.end) in ENDS else None

    def _nickname(self, i: int, end: int) -> bool:
        """Whether an unknown word can only be a name: one capital in the middle of a sentence."""
        word = self._s.words[i]
        return 0 < i == end - 1 and len(word) > 2 and word[1:].islower()

    def stands_alone(self, i: int, end: int) -> bool:
        """Whether a name is an address: not one of a list, not the whole answer to a question."""
        s = self._s
        before = s.low(i - 1) if i > 0 else ""
        if before not in ENDS and before not in self._g.sets["hails"]:
            return False
        after = s.low(end)
        if before == "," and i > 1 and s.lows[i - 2] in self._g.kin:
            # "… my new boyfriend, Joshua."
            return False
        if s.low(end + 1) in ("this", "meet", "he", "she", "his", "her") or (
            before == "," and s.low(i - 2) in ("is", "meet")
        ):
            # "Bo, this is Tor": who is spoken to has changed. "Ines, she is …" speaks of her.
            return False
        lone = i == 0 and all(not w[0].isalnum() for w in s.lows[end:])
        another = s.low(end + 1) in self._g.given and s.low(end + 2) in (",", "and", "or")
        listed = after == "," and (
            s.low(end + 1) in ("and", "or") or (s.capital(end + 1) and i > 0) or another
        )
        follows = before == "," and i > 1 and s.capital(i - 2) and s.lows[i - 2] in self._g.given
        return not (listed or follows or (lone and after not in ("!", "?")))


class Turns:
    """The turns of the sessions that are read, each read once."""

    __slots__ = ("_g", "_known")

    def __init__(self, grammar: Grammar) -> None:
        self._g = grammar
        self._known: dict[tuple[str, str], Turn] = {}

    def of(self, event: Event, names: NameReader, cut: Sequence[Sentence] | None = None) -> Turn:
        """Return an event as a turn; ``cut`` are its sentences, if they are there already.

        What is nobody's own word has no author and calls nobody.
        """
        key = (event.session_id, event.id)
        known = self._known.get(key)
        if known is None:
            author = (event.author or "").strip() if event.role == "user" else ""
            own = sentences(event.text) if cut is None else cut
            calls: list[Call] = []
            for n, s in enumerate(own if author else ()):
                calls += AddressReader(self._g, s, names).read(n)
            greets = bool(own) and own[0].low(0) in self._g.sets["greetings"]
            known = self._known[key] = Turn(author, tuple(calls), greets)
        return known


class CallReader:
    """Reads what one event tells of what people are called, with the turns before it."""

    __slots__ = ("_before", "_g", "_quote", "_speaker", "_turns", "now")

    def __init__(
        self, grammar: Grammar, turns: Sequence[Turn], speaker: Mention,
        quote: Callable[[int, int, int], Quote],
    ) -> None:  # fmt: skip
        self._g = grammar
        self._turns = turns
        self._speaker = speaker
        self._quote = quote
        self.now = called(turns)
        """Who is known by now to be meant by what."""
        self._before: Mapping[tuple[str, str, str], Called] = {}
        if self.now:
            self._before = called(turns[:-1])

    def new(self) -> list[Called]:
        """Return who was found only now."""
        found = ((who, self._before.get(key)) for key, who in self.now.items())
        return [who for who, old in found if old is None or old.author != who.author]

    def first(self) -> Quote:
        """Quote the first word: by answering, somebody says that they were meant."""
        return self._quote(0, 0, 1)

    def read(self) -> list[Statement]:
        """Return what is told by the last turn and was not before it."""
        return [x for who in self.new() if not who.own and self._clear(who)
                for x in self._state(who)]  # fmt: skip

    def likely(self, confidence: float) -> list[Statement]:
        """Return which kin may be meant by calls that the turns leave open, told by the last."""
        now = called(self._turns, enough=_BEFORE, lead=1.0)
        open_ = {key: who for key, who in now.items() if who.kind == "kin" and key not in self.now}
        if not open_:
            return []
        before = called(self._turns[:-1], enough=_BEFORE, lead=1.0)
        return [
            replace(x, polarity="suppose", confidence=confidence)
            for key, who in open_.items()
            if key not in before or before[key].author != who.author
            for x in self._state(who)
        ]

    def _clear(self, who: Called) -> bool:
        """Whether nobody is both mother and aunt of the same caller."""
        if who.kind != "kin":
            return True
        roles = {x.text for x in self.now.values() if (x.author, x.by) == (who.author, who.by)}
        return len(roles) == 1

    def _state(self, who: Called) -> list[Statement]:
        here = self._turns[-1]
        quote = self.first()
        for call in here.calls:
            if call.text == who.text:
                quote = self._quote(call.sentence, call.start, call.end)
        subject = self._mention(who.author)
        match who.kind:
            case "kin":
                kin = self._g.kin_of[who.text]
                return [statement(subject, kin.predicate, quote, object=self._mention(who.by),
                                  confidence=who.confidence - 0.1)]  # fmt: skip
            case "job":
                return [statement(subject, "has_job", quote, value=who.text,
                                  confidence=who.confidence - 0.1)]  # fmt: skip
            case "name":
                return self._named(subject, who, quote)

    def _named(self, subject: Mention, who: Called, quote: Quote) -> list[Statement]:
        """A numbered speaker gets a name; of a name, a short form is another name."""
        low, author = who.text.lower(), who.author.lower()
        if low in {turn.author.lower() for turn in self._turns}:
            return []
        if has_no_name(who.author):
            predicate = "has_name"
        elif low[:2] == author[:2] and len(low) < len(author) and self._here(who):
            predicate = "known_as"
        else:
            return []
        return [statement(subject, predicate, quote, value=who.text, confidence=who.confidence)]

    def _here(self, who: Called) -> bool:
        return any(call.text == who.text for call in self._turns[-1].calls)

    def _mention(self, author: str) -> Mention:
        if author == self._turns[-1].author:
            return self._speaker
        return Mention(name=author, kind="person")
