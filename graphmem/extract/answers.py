"""Reads short answers: what "In Porto." states after "Where does your sister live?".

Does not know events: the question and the answer come in as sentences. A question is matched by
the rows of ``grammar/answers.toml``; the answer must be nothing but the object that the row asks
for. "Yes" states what a question that ends in a verb phrase asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from graphmem.extract.belongings import BelongingReader
from graphmem.extract.lexicon import Ask, Grammar
from graphmem.extract.names import NameReader
from graphmem.extract.nouns import Nouns
from graphmem.extract.objects import ObjectReader
from graphmem.extract.scene import Ref, owner_of
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, statement
from graphmem.extract.values import Object
from graphmem.models import Mention, Statement

YOU: Final = Mention(name="\x01", kind="person")
"""Whoever is asked, while a question is read."""
_MAX_OPENING: Final = 8
_ARTICLES: Final = frozenset({"a", "an", "the", "my", "me"})
_AUXILIARIES: Final = frozenset({"do", "does", "did", "are", "is", "have", "has", "was", "were"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was understood: about whom, and what is wanted."""

    about: Mention
    row: Ask


def ask(s: Sentence, grammar: Grammar, nouns: Nouns) -> Asked | None:
    """Return what a question wants to know; None where no row fits. O(rows of its first word)."""
    for i in range(min(_MAX_OPENING, len(s))):
        for pattern, row in grammar.asks.get(s.lows[i], ()):
            about = _about(s, i, pattern, nouns)
            if about is not None:
                return Asked(about, row)
    return None


def _about(s: Sentence, i: int, pattern: tuple[str, ...], nouns: Nouns) -> Mention | None:
    """Match one pattern to the question's end; return who stands for {s} or {p}."""
    about: Mention | None = YOU if "{s}" not in pattern and "{p}" not in pattern else None
    at = i
    for piece in pattern:
        if piece == "{s}":
            ref = nouns.refs.get(at)
            if ref is None or ref.mention.speaker:
                return None
            about, at = ref.mention, ref.end
        elif piece == "{p}":
            whose = _whose(s, at, nouns.refs, nouns)
            if whose is None:
                return None
            about, at = whose
        elif s.low(at) == piece:
            at += 1
        else:
            return None
    rest = s.lows[at:]
    return (
        about if len(rest) <= 3 and all(not w[0].isalnum() or w in _TAILS for w in rest) else None
    )


_TAILS: Final = frozenset({"then", "now", "again", "these", "days", "btw", "though", "anyway"})


def _whose(
    s: Sentence, at: int, refs: Mapping[int, Ref], nouns: Nouns
) -> tuple[Mention, int] | None:
    if s.low(at) == "your" and at not in refs:
        return YOU, at + 1
    ref = refs.get(at)
    if s.low(at) in ("his", "her") and at in nouns.owners and (ref is None or ref.end == at + 1):
        return nouns.owners[at], at + 1
    if ref is not None and s.low(ref.end) == "'s":
        return ref.mention, ref.end + 1
    return None


def turned(s: Sentence, nouns: Nouns) -> str | None:
    """Return a yes-no question as what it asks: "Does Anna live here?" as "Anna does live here"."""
    first = 1 if s.low(0) in ("so", "and", "oh", "wait") or s.low(1) == "," else 0
    first += s.low(first) == ","
    ref = nouns.refs.get(first + 1)
    if s.low(first) not in _AUXILIARIES or ref is None or ref.mention.speaker:
        return None
    end = len(s) - (s.low(len(s) - 1) == "?")
    words = s.words
    if not 0 < end - ref.end < 14 or any(w in ("or", "who", "what") for w in s.lows[ref.end : end]):
        return None
    return " ".join((*words[first + 1 : ref.end], s.lows[first], *words[ref.end : end])) + "."


def named_again(mention: Mention, speaker: Mention, asker: Mention | None) -> Mention | None:
    """Return a mention of the question as the answerer would make it; None where none can."""
    if mention == YOU:
        return speaker
    if mention.speaker:
        return asker
    if mention.possessor == YOU.name:
        return replace(mention, possessor="")
    if mention.possessor == "":
        if asker is None:
            return replace(mention, descriptor=None, possessor=None) if mention.name else None
        return replace(mention, possessor=asker.name)
    return mention


class AnswerReader:
    """Reads the answer to a question that was understood."""

    __slots__ = ("_belongings", "_g", "_names", "_objects", "_quoter", "_s")

    def __init__(
        self, grammar: Grammar, s: Sentence, names: NameReader, objects: ObjectReader,
        belongings: BelongingReader, quoter: Quoter,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._s = s
        self._names = names
        self._objects = objects
        self._belongings = belongings
        self._quoter = quoter

    def read(self, asked: Asked, about: Mention, speaker: Mention) -> list[Statement]:
        """Return what the sentence answers, if it is nothing but the object asked for."""
        s = self._s
        for i in range(min(_MAX_OPENING, len(s))):
            opening = s.lows[i] in self._g.answer_openings
            if opening and s.lows[i] not in _ARTICLES:
                continue
            found = self._object(asked.row.object, i, about)
            if found and self._ends(found[-1].end):
                return self._state(asked, about, speaker, found, i)
            if not opening:
                return []
        return []

    def says_yes(self) -> bool:
        """Whether the sentence only agrees: "Yes!", "Yeah, I do"."""
        s = self._s
        if s.low(0) not in self._g.answer_yes:
            return False
        at = 1 + (s.low(1) in (",", "-", "–", "—"))
        short = len(s) - at <= 4 and s.low(at) in (
            "i",
            "we",
            "he",
            "she",
            "they",
            "it",
            "",
            ".",
            "!",
        )
        return short and not any(w in ("not", "n't", "but", "no", "?") for w in s.lows)

    def _object(self, kind: str, i: int, about: Mention) -> tuple[Object, ...]:
        if kind in ("pet", "kin"):
            return tuple(self._belongings.read(kind, i, about))
        if kind == "label":
            name = self._names.label(self._s, i) if self._s.capital(i) else None
            return () if name is None else (Object(name.end, value=name.text),)
        return tuple(self._objects.read(kind, i))

    def _ends(self, i: int) -> bool:
        return not any(w[0].isalnum() for w in self._s.lows[i : i + 1]) or (
            self._s.low(i) in ("and", "but", "since", "now", "at", "too", "with")
        )

    def _state(
        self, asked: Asked, about: Mention, speaker: Mention, found: tuple[Object, ...], start: int
    ) -> list[Statement]:
        quote = self._quoter.quote(start, found[-1].end)
        out: list[Statement] = []
        for item in found:
            predicate = item.predicate or asked.row.predicate
            if predicate == "has_name":
                out += self._named(about, speaker, item, start)
            elif item.predicate:
                if item.mention is None:
                    continue
                out.append(statement(item.mention, predicate, quote, object=about, confidence=0.8))
                if item.mention.kind == "thing" and item.mention.name:
                    out.append(statement(item.mention, "is_a", quote, value=item.noun))
            elif asked.row.predicate not in ("pet_of", "kin"):
                out.append(statement(about, predicate, quote, object=item.mention,
                                     value=item.value, confidence=0.8))  # fmt: skip
        return out

    def _named(self, about: Mention, speaker: Mention, item: Object, start: int) -> list[Statement]:
        """Say what giving somebody a name states: the relation, of whom bears the name."""
        quote = self._quoter.quote(start, item.end)
        name = item.value or ""
        if about.speaker:
            return [statement(about, "has_name", quote, value=name, confidence=0.88)]
        if about.name or about.descriptor is None:
            return []
        noun, owner = owner_of(about, speaker)
        who = replace(about, name=name)
        if owner is None:
            return []
        if about.kind == "thing":
            pet = self._g.pets.match((noun,), 0) is not None
            one, other, predicate = (who, owner, "pet_of") if pet else (owner, who, "owns")
            return [
                statement(one, predicate, quote, object=other, confidence=0.85),
                statement(who, "is_a", quote, value=noun, confidence=0.8),
            ]
        kin = self._g.kin_of.get(noun)
        if kin is None:
            return []
        return [statement(who, kin.predicate, quote, object=owner, confidence=0.85)]
