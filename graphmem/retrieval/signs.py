"""What a question wants to be told, and what a text tells: by signs that are cheap to see.

"Whose glasses were under the cushion?" wants an owner, and "those'll be Pauline's" tells one
whatever else it says; "Which nights am I working now?" wants a time, and the latest. English, as
data in ``signs.toml``. Knows no hit, no score and no store.

The kinds of answers are those of question answering over text (Li and Roth, *Learning Question
Classifiers*, COLING 2002, table 1), as far as words and letters show them.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from graphmem.retrieval.asking import language
from graphmem.retrieval.query import named_terms
from graphmem.retrieval.related import related_terms
from graphmem.retrieval.text import analyse, analyse_query

MOST_READ: Final = 1_000
"""How many characters of a text are read: who tells something at length begins with it."""

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*['\u2019]?|[?!.;\n,:(]")
_STOP: Final = re.compile(r"(?<=[?!.;\n])\s+")
_CLAUSE: Final = re.compile(r"[,:]\s+|\sbut\s")
_ENDS: Final = frozenset("?!.;\n")
_PAUSES: Final = frozenset(",:(")
_LEADING: Final = 3  # words at the beginning of a clause among which it says of whom it tells
_ASKED: Final = re.compile(r"\b(?:what|which)(?:['\u2019]s)?\b", re.I)
_PART: Final = re.compile(r"[\w'\u2019-]+")
_POSSESSED: Final = re.compile(
    r"(?:['\u2019]s?|\b(?:my|our|his|her|their))\s+([\w-]+)(?:\s([\w-]+))?|\bthe ([\w-]+) of\b"
)
_ALIKE: Final = 0.4  # closeness of related words from which on they may name the same kin
_MOST_HEAD: Final = 5  # words after "which" among which the thing that is asked for stands


@dataclass(frozen=True, slots=True)
class _Language:
    cues: Mapping[str, tuple[str, ...]]
    question: Mapping[str, re.Pattern[str]]
    kinds: Mapping[str, re.Pattern[str]]
    texts: Mapping[str, re.Pattern[str]]
    light: Mapping[str, frozenset[str]]


@cache
def _language() -> _Language:
    text = files("graphmem.retrieval").joinpath("signs.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    cues: dict[str, tuple[str, ...]] = {}
    for cue, words in table["cues"].items():
        for word in words.split():
            cues[word] = (*cues.get(word, ()), cue)
    return _Language(
        cues,
        {name: re.compile(p, re.I | re.X) for name, p in table["question"].items()},
        {name: re.compile(p, re.I | re.X) for name, p in table["kinds"].items()},
        {name: re.compile(p, re.X) for name, p in table["texts"].items()},
        {name: frozenset(words.split()) for name, words in table["light"].items()},
    )


# --------------------------------------------------------------------------- the question


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a question wants to be told.

    ``kind`` is one of the table's, or "thing". ``head`` are the terms of what it asks for by name
    ("which *instrument*"), ``words`` all its words in lower case, ``names`` the terms of its names.
    ``negated`` asks for what is not so, ``whose`` for an owner, ``now`` for how things stand,
    ``present`` too, if only by its tense, ``once`` for how they stood, ``until`` before what, in
    terms, and ``described`` means somebody by a description; ``kin`` are the terms of whom a
    possessor or an "of" leads to ("the judge's *brother*"), and those that are related to them.
    """

    kind: str
    head: tuple[str, ...]
    words: frozenset[str]
    names: frozenset[str]
    negated: bool
    whose: bool
    now: bool
    present: bool
    once: bool
    until: frozenset[str]
    described: bool
    kin: frozenset[str]


def wanted(question: str) -> Wanted:
    """Return what a question wants to be told; any text is accepted."""
    known = _language()
    asks = {name: pattern.search(question) is not None for name, pattern in known.question.items()}
    kind = next((name for name, p in known.kinds.items() if p.search(question)), "thing")
    return Wanted(
        kind=kind,
        head=_head(question, known),
        words=frozenset(_bare(word) for word in _WORD.findall(question)),
        names=named_terms(question),
        negated=asks["negated"],
        whose=asks["whose"],
        now=asks["now"] and not asks["once"],
        present=(asks["now"] or asks["present"]) and not asks["once"],
        once=asks["once"],
        until=_until(question, known) if asks["once"] else frozenset(),
        described=asks["described"],
        kin=_kin(question),
    )


def _head(question: str, known: _Language) -> tuple[str, ...]:
    """Return the terms of the noun that "what" or "which" stands before, two at most."""
    asked = _ASKED.search(question)
    if asked is None:
        return ()
    found: list[str] = []
    ended = False
    for word in _PART.findall(question[asked.end() :])[:_MOST_HEAD]:
        low = word.casefold()
        if low in known.light["sorts"]:
            found.clear()
        elif low in known.light["ends"] and not (low == "of" and not found):
            ended = True
            break
        elif low != "of":
            found.append(word)
    nouns = found if ended else found[:2]
    terms = [term for word in nouns if word[0].islower() for term in analyse_query(word)]
    return tuple(terms[:2])


def _until(question: str, known: _Language) -> frozenset[str]:
    """Return the terms of the event before which things stood as it is asked."""
    event = known.question["until"].search(question)
    return frozenset(analyse_query(event["event"])) if event else frozenset()


def _kin(question: str) -> frozenset[str]:
    found: set[str] = set()
    for match in _POSSESSED.finditer(question):
        words = [word for word in match.groups() if word]
        kin = next((word for word in words if language().relation(word)), words[0])
        for term in analyse(kin):
            found.add(term)
            found.update(other for other, close in related_terms().of(term) if close > _ALIKE)
    return frozenset(found)


# --------------------------------------------------------------------------- the text


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text: its terms, its words, the cues in it, and whether it asks.

    ``leads`` are the terms that its clauses begin with, but for small words: of whom each tells.
    """

    terms: set[str]
    words: set[str]
    cues: set[str]
    asks: bool
    leads: set[str]

    def shows(self, kind: str) -> bool:
        """Return whether there is a word of this kind of answer; a number may be a time."""
        return kind in self.cues or (kind == "time" and "number" in self.cues)


@dataclass(slots=True)
class Told:
    """What a text tells, sentence by sentence and as a whole.

    ``words`` are in lower case and without the ending of a possessor; ``names`` those that are
    written as names past the beginning of a sentence, ``where`` those of them that follow a word
    for a place. ``cued`` gives, for each cue, the words that are one.
    """

    text: str
    sentences: list[Sentence] = field(default_factory=list[Sentence])
    terms: set[str] = field(default_factory=set[str])
    words: set[str] = field(default_factory=set[str])
    names: set[str] = field(default_factory=set[str])
    where: set[str] = field(default_factory=set[str])
    cued: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    @property
    def owned(self) -> bool:
        """Whether the text says whose something is, in a sentence that neither asks nor guesses."""
        return _owner(self.text)[0]

    @property
    def settles(self) -> bool:
        """Whether the text says how something was found out."""
        return _owner(self.text)[1]

    @property
    def introduces(self) -> bool:
        """Whether the text says what somebody is called."""
        return _shows("introduces", self.text)

    @property
    def refuses(self) -> bool:
        """Whether the text says what is not to be, in more words than one."""
        return _shows("refuses", self.text)

    @property
    def becomes(self) -> bool:
        """Whether the text says that something is to be otherwise than it was."""
        return bool(_becoming(self.text))

    def becomes_it(self, kind: str, words: frozenset[str]) -> bool:
        """Return whether a sentence that says so has an answer of this kind, as in ``tells``."""
        return any(told(part).tells(kind, words) for part in _becoming(self.text))

    @property
    def past(self) -> bool:
        """Whether the text says how something was before."""
        return _shows("past", self.text)

    @property
    def guesses(self) -> bool:
        """Whether the text says that something is so only perhaps."""
        return _shows("guesses", self.text)

    @property
    def asks(self) -> bool:
        """Whether some sentence of the text is a question."""
        return any(sentence.asks for sentence in self.sentences)

    def tells(self, kind: str, words: frozenset[str]) -> bool:
        """Return whether the text has an answer of this kind in other words than ``words``."""
        if kind == "place":
            return not self.where <= words
        if not self.cued.get(kind, words) <= words:
            return True
        if kind == "time":
            return not self.cued.get("number", words) <= words
        return kind == "work" and _language().texts["works"].search(self.text) is not None


@lru_cache(maxsize=1 << 11)
def _shows(sign: str, text: str) -> bool:
    return _language().texts[sign].search(text) is not None


@lru_cache(maxsize=1 << 10)
def _becoming(text: str) -> tuple[str, ...]:
    """Return the sentences of a text that say that something is to be otherwise than it was."""
    known = _language().texts["becomes"]
    return tuple(part for part in _STOP.split(text) if known.search(part))


@lru_cache(maxsize=1 << 10)
def _owner(text: str) -> tuple[bool, bool]:
    """Return whether a text says whose something is, and how that was found out."""
    known = _language().texts
    owned = settles = False
    for part in _STOP.split(text):
        guess = part.endswith("?") or known["guesses"].search(part) is not None
        if not guess and not owned:
            owned = any(
                known["owned"].search(clause) and not known["denies"].search(clause)
                for clause in _CLAUSE.split(part)
            )
        settles = settles or (not guess and known["settles"].search(part) is not None)
    return owned, settles


def _bare(word: str) -> str:
    """Return a word in lower case, without the ending of a possessor."""
    return word.casefold().replace("\u2019", "'").removesuffix("'s").strip("'")


_Word = tuple[str, tuple[str, ...], tuple[str, ...], bool, bool, tuple[str, ...]]


@lru_cache(maxsize=1 << 15)
def _read(word: str) -> _Word:
    """Return a word bare, its terms and cues, whether it is a name, and what it does in a clause.

    That is whether a clause begins after it, and what it says of whom a clause that begins with
    it tells.
    """
    known = _language()
    low = word.casefold().replace("\u2019", "'")
    bare = _bare(word)
    cues = known.cues.get(low, ())
    if low.endswith("n't") and "negation" not in cues:
        cues = (*cues, "negation")
    if word[0].isdigit() and "number" not in cues:
        cues = (*cues, "number")
    name = word[0].isupper() and bare not in known.light["names"] and "time" not in cues
    terms = analyse(bare)
    opens = bare in _PAUSES or bare in known.light["opens"]
    return bare, terms, cues, name, opens, () if opens or bare in language().light else terms


def told(text: str) -> Told:
    """Return what a text tells in its first thousand characters; not to be changed.

    What was read last is kept: the same memories answer many questions.
    """
    return _told(text[:MOST_READ])


@lru_cache(maxsize=1 << 10)
def _told(text: str) -> Told:
    found = Told(text)
    names, where, cued = found.names, found.where, found.cued
    after_place = False
    read: list[_Word] = []
    leads: set[str] = set()
    left = _LEADING
    for one in map(_read, (*_WORD.findall(text), ".")):
        bare, _, cues, name, opens, leading = one
        if bare in _ENDS:
            if read:
                found.sentences.append(
                    Sentence(
                        terms={term for one in read for term in one[1]},
                        words={one[0] for one in read},
                        cues={cue for one in read for cue in one[2]},
                        asks=bare == "?",
                        leads=leads,
                    )
                )
                read, leads = [], set()
            left = _LEADING
            continue
        if opens:
            left = _LEADING
            if bare in _PAUSES:
                continue
        elif left:
            left -= 1
            leads.update(leading)
        if name:
            if read:
                names.add(bare)
            if after_place:
                where.add(bare)
        after_place = False
        if cues:
            after_place = "place" in cues
            for cue in cues:
                cued.setdefault(cue, set()).add(bare)
        read.append(one)
    if len(found.sentences) == 1:
        found.terms, found.words = found.sentences[0].terms, found.sentences[0].words
    else:
        found.terms.update(*(sentence.terms for sentence in found.sentences))
        found.words.update(*(sentence.words for sentence in found.sentences))
    return found
