"""What a question asks of the graph: about whom, by which relations, and by which predicates.

"What car does the boyfriend of Ivo's sister drive?" is about whom Ivo, ``sister`` and then
``boyfriend`` lead to, and asks what ``drives`` or ``owns`` say of them. English, as data in
``asking.toml``; what is not understood asks nothing here and is left to the other arms. Knows the
shape of facts and no store.

The way is that of semantic parsing over a graph of known facts, in the smallest form: a chain of
relations from one entity and one predicate at its end (Berant et al., *Semantic Parsing on
Freebase*, EMNLP 2013, sections 2 and 3, call it a join).
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from graphmem.ids import name_key
from graphmem.models import Entity, Fact
from graphmem.retrieval.query import OPENERS
from graphmem.retrieval.text import QUESTION, STOP

MAX_STEPS: Final = 3
_LONGEST_NAME: Final = 4

_TOKEN: Final = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*['\u2019]?")
_NEGATED: Final = re.compile(r"\b(?:not|no longer|never|no)\b|n['\u2019]t\b|\bany ?more\b")
_WHOSE: Final = re.compile(r"\bwhose (?:[\w-]+ ){0,3}?(?P<word>[\w-]+),? (?:is|was|are) ", re.I)
_WHO_IS: Final = re.compile(r"\W*(?:who|what|which \w+)(?:['\u2019]s| is| are| was| were)\b")
_NO_LONGER: Final = re.compile(r"\bno longer\b|(?:\bnot\b|n['\u2019]t\b).*\bany ?more\b")
# "…, so what do I study?": the question follows what is not asked.
_BUT_ASKS: Final = re.compile(
    r"^.*?[,;:.]\s+(?:(?:so|but|then|and)\s+)?(?=(?:what|who|where|which|whose|how)\b)", re.I
)
_LEFT_OUT: Final = re.compile(
    r",?\s+(?:(?P<other>before|until|instead of|rather than|other than|besides|apart from)"
    r"|(?:even )?though|although|despite)\s+(?P<words>(?=[^\W_]).+)$",
    re.I,
)
_EX: Final = "ex-"
_FORMERLY: Final = frozenset({"ex", "former", "previous"})
_SELF: Final = frozenset({"my", "our", "mine"})
_SPEAKING: Final = frozenset({"i", "me", "my", "we", "us", "our", "mine"})

End = bool | None
"""Whether whom it is about is a fact's subject: yes, no, or either."""
_NEITHER: Final = "neither"
_ABOUT: Final = "the"  # stands for whom a question is about, once they are known
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Somebody by their way from another: ``steps`` are relation words, the nearest first.

    ``anchors`` are identity keys to begin at, the likeliest first; none means who asks. ``name``
    is the key of the name that is said with it ("my sister Anna"), ``start`` and ``end`` its place
    in the question.
    """

    anchors: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    name: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to the graph.

    ``predicates`` says at which end whom it is about stands. ``relation`` is set where the question
    is for the relation itself ("Who is Petra's boss?", "Whose dog is Comet?"): a relation word, of
    which whom it is about is the possessor, or, with ``whose``, what is possessed. ``no_longer``
    asks for what has ended only. ``core`` is the place of the question in what was said, ``aside``
    what is said beside it not to be the answer ("Where did I work *before the bakery*?").
    """

    about: Described
    predicates: Mapping[str, End]
    relation: str = ""
    whose: bool = False
    no_longer: bool = False
    core: tuple[int, int] = (0, 0)
    aside: str = ""

    @property
    def wanted(self) -> frozenset[str]:
        """The predicates of the facts that may answer."""
        return frozenset(self.predicates) | links(self.relation)


@dataclass(frozen=True, slots=True)
class _Ask:
    """A row of the table: what a question must match, and what then answers it."""

    pattern: re.Pattern[str]
    besides: re.Pattern[str]
    negated: bool
    predicates: Mapping[str, End]

    def rest(self, question: str, *, negated: bool) -> str | None:
        """Return a question without what matches; None where it does not ask this."""
        if negated != self.negated or self.besides.search(question) is None:
            return None
        rest, matches = self.pattern.subn(" ", question)
        return rest if matches else None


@dataclass(frozen=True, slots=True)
class _Language:
    light: frozenset[str]
    relations: Mapping[str, Mapping[str, End]]
    same: Mapping[str, str]
    asks: Sequence["_Ask"]
    compounds: Mapping[str, frozenset[str]]
    ways: Mapping[str, Sequence[tuple[str, ...]]]

    def relation(self, word: str) -> str:
        """Return the relation word that a word stands for, also in the plural; or ''."""
        key = word.casefold()
        once = _EX if key.startswith(_EX) else ""
        key = key.removeprefix(_EX)
        for form in (key, key.removesuffix("s"), key.removesuffix("es")):
            form = self.same.get(form, form)
            if form in self.relations:
                return once + form
        return ""


@cache
def language() -> _Language:
    """Return the tables of ``asking.toml``."""
    text = files("graphmem.retrieval").joinpath("asking.toml").read_text("utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    relations: dict[str, dict[str, End]] = {}
    for word, links in table["relations"].items():
        ends = (link.partition(" ") for link in links)
        relations[word] = {p: {"subject": True, "object": False}.get(e) for p, _, e in ends}
    asks: list[_Ask] = []
    for row in table["asks"]:
        found: dict[str, End] = dict.fromkeys(row.get("subject", ()), True)
        for predicate in row.get("object", ()):
            found[predicate] = None if predicate in found else False
        pattern, besides = (re.compile(row.get(field, "")) for field in ("pattern", "if"))
        asks.append(_Ask(pattern, besides, row.get("not", False), found))
    light = frozenset(_WORD.findall(table["light"])) | STOP | QUESTION
    return _Language(
        light,
        relations,
        table["same"],
        tuple(asks),
        {word: frozenset(_WORD.findall(before)) for word, before in table["compounds"].items()},
        {word: [tuple(way.split()) for way in ways] for word, ways in table["ways"].items()},
    )


# --------------------------------------------------------------------------- understanding


def ask(question: str) -> Asked | None:
    """Return what a question asks of the graph; None where it is about nobody in particular."""
    known = language()
    # Places are looked for in the question itself: folding its case may change its length.
    whose = _WHOSE.search(question)
    if whose is not None:
        about = _described(question, known, whose.end())
        if about is None:
            return None
        owned: dict[str, End] = {"owns": False, "drives": False, "pet_of": True}
        return Asked(
            about=about,
            predicates=owned,
            relation=known.relation(whose["word"]),
            whose=True,
            core=(0, len(question)),
        )
    begin, end, aside = _core(question)
    about = _described(question[:end], known, begin)
    if about is None:
        return None
    low = question[begin:end].casefold()
    no_longer = _NO_LONGER.search(low) is not None
    negated = _NEGATED.search(low) is not None and not no_longer
    beside_about = f"{question[begin : about.start]} {_ABOUT} {question[about.end : end]}"
    rest = " ".join(beside_about.casefold().split())
    asked = Asked(about=about, predicates={}, no_longer=no_longer, core=(begin, end), aside=aside)
    for row in known.asks:
        beside = row.rest(rest, negated=negated)
        if beside is not None:
            more = not known.light.issuperset(_WORD.findall(beside))
            return asked if more else replace(asked, predicates=row.predicates)
    who = known.light.issuperset(_WORD.findall(rest)) and _WHO_IS.match(low) is not None
    if who and about.steps and not about.name and not negated:
        *steps, last = about.steps
        return replace(asked, about=replace(about, steps=tuple(steps)), relation=last)
    return asked


def _core(question: str) -> tuple[int, int, str]:
    """Return where the question proper begins and ends, and what is said beside it not to be it."""
    asides: list[str] = []
    begin, end = 0, len(question)
    contrast = _BUT_ASKS.match(question)
    if contrast is not None:
        asides.append(contrast.group())
        begin = contrast.end()
    beside = _LEFT_OUT.search(question, begin)
    if beside is not None:
        end = beside.start()
        if beside["other"]:
            asides.append(beside["words"])
    return begin, end, " ".join(asides)


def _described(question: str, known: _Language, begin: int = 0) -> Described | None:
    """Return whom the text from ``begin`` on is about: the longest way, a name, or who asks."""
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(question, begin)]
    found = [d for i in range(len(tokens)) if (d := _chain(tokens, i, known)) is not None]
    if not found:
        speaking = any(t.casefold() in _SPEAKING for t, _, _ in tokens)
        return Described() if speaking else None
    return max(found, key=lambda d: (len(d.steps), bool(d.name), bool(d.anchors), -d.start))


Token = tuple[str, int, int]


def _bare(token: str) -> tuple[str, bool]:
    """Return a word without its possessive ending, and whether it had one."""
    for ending in ("'s", "\u2019s"):
        if token.casefold().endswith(ending):
            return token[: -len(ending)], True
    if token[-1] in "'\u2019":
        return token[:-1], True
    return token, False


def _is_name(tokens: Sequence[Token], i: int) -> bool:
    key = _bare(tokens[i][0])[0].casefold().partition("'")[0]
    return tokens[i][0][0].isupper() and key != "i" and not (i == 0 and key in OPENERS)


def _chain(tokens: Sequence[Token], i: int, known: _Language) -> Described | None:
    """Return the description that begins at a token, if one does."""
    word = tokens[i][0]
    low = word.casefold()
    if known.relation(word) and i + 1 < len(tokens):
        if tokens[i + 1][0].casefold() == "of":
            return _of(tokens, i, known)
        if _is_name(tokens, i + 1) and not _bare(word)[1]:
            # "colleague Anna"
            return _named(
                tokens, i + 1, Described(steps=(known.relation(word),), start=tokens[i][1])
            )
    if low in _SELF:
        return _steps(tokens, i + 1, Described(start=tokens[i][1], end=tokens[i][2]), known)
    if low == "user" and i and tokens[i - 1][0].casefold() == "the":
        return Described(start=tokens[i - 1][1], end=tokens[i][2])
    if _bare(low) == ("user", True):
        start = tokens[i - 1][1] if i and tokens[i - 1][0].casefold() == "the" else tokens[i][1]
        return _steps(tokens, i + 1, Described(start=start, end=tokens[i][2]), known)
    if _is_name(tokens, i) and not (
        i and _is_name(tokens, i - 1) and not _bare(tokens[i - 1][0])[1]
    ):
        return _anchored(tokens, i, known)
    return None


def _anchored(tokens: Sequence[Token], i: int, known: _Language) -> Described:
    """Return the description that begins with a name."""
    words: list[str] = []
    start, j = tokens[i][1], i
    while j < len(tokens) and _is_name(tokens, j) and len(words) < _LONGEST_NAME:
        bare, possessive = _bare(tokens[j][0])
        words.append(bare)
        j += 1
        if possessive:
            break
    else:
        possessive = False
    name = Described(anchors=(name_key(" ".join(words)),), start=start, end=tokens[j - 1][2])
    return _steps(tokens, j, name, known) if possessive else name


def _steps(tokens: Sequence[Token], i: int, so_far: Described, known: _Language) -> Described:
    """Follow relation words from ``i``, an adjective or two before each, and a name at the end."""
    while i < len(tokens) and len(so_far.steps) < MAX_STEPS:
        between: set[str] = set()
        for j in range(i, min(i + 3, len(tokens))):
            bare, possessive = _bare(tokens[j][0])
            relation = known.relation(bare)
            if relation:
                break
            between.add(bare.casefold())
        else:
            break
        if between & known.compounds.get(relation, frozenset()):
            break  # a business partner is no partner
        if between & _FORMERLY:
            relation = _EX + relation.removeprefix(_EX)
        steps = (*so_far.steps, relation)
        so_far = replace(so_far, steps=steps, end=tokens[j][2])
        i = j + 1
        if not possessive:
            return _named(tokens, i, so_far) if i < len(tokens) and _is_name(tokens, i) else so_far
    return so_far


def _named(tokens: Sequence[Token], i: int, so_far: Described) -> Described:
    """Return a description with the name that follows it."""
    j = i
    while j < len(tokens) and _is_name(tokens, j) and j - i < _LONGEST_NAME:
        j += 1
    words = [_bare(t)[0] for t, _, _ in tokens[i:j]]
    return replace(so_far, name=name_key(" ".join(words)), end=tokens[j - 1][2])


def _of(tokens: Sequence[Token], i: int, known: _Language) -> Described | None:
    """Return "the <relation> of <whom>"."""
    article = i > 0 and tokens[i - 1][0].casefold() == "the"
    relation, start, j = known.relation(tokens[i][0]), tokens[i - article][1], i + 2
    if j < len(tokens) and tokens[j][0].casefold() == "the":
        start_of, j = j, j + 1
    else:
        start_of = j
    if j >= len(tokens):
        return None
    whose = _chain(tokens, j, known)
    if whose is not None:
        if len(whose.steps) >= MAX_STEPS:
            return None
        return replace(whose, steps=(*whose.steps, relation), name="", start=start)
    # A thing without a name: its article and some words, the longest first.
    longest = min(j + _LONGEST_NAME - 1, len(tokens))
    keys = [
        name_key(" ".join(t for t, _, _ in tokens[first:last]))
        for last in range(longest, j, -1)
        for first in dict.fromkeys((start_of, j))
    ]
    return Described(anchors=tuple(keys), steps=(relation,), start=start, end=tokens[j][2])


# --------------------------------------------------------------------------- following


def links(word: str) -> frozenset[str]:
    """Return the predicates of the facts by which somebody is the ``word`` of another."""
    return frozenset(language().relations.get(word.removeprefix(_EX), ()))


def is_former(word: str) -> bool:
    """Return whether a relation word is for who was so once: an ex-wife."""
    return word.startswith(_EX)


def ways(word: str) -> Sequence[tuple[str, ...]]:
    """Return by which relations one after the other somebody may be the ``word`` of another.

    A brother-in-law is also a sister's spouse. None for what one relation says alone.
    """
    return language().ways.get(word, ())


def keys_of(word: str, whose: Iterable[str]) -> tuple[str, ...]:
    """Return the identity keys of the ``word`` of these, in all its spellings."""
    bare = word.removeprefix(_EX)
    once = word[: len(word) - len(bare)]
    spellings = (bare, *sorted(s for s, of in language().same.items() if of == bare))
    return tuple(f"{once}{spelling}@{who}" for who in sorted(whose) for spelling in spellings)


def follow(
    word: str,
    whose: Collection[str],
    facts: Iterable[Fact],
    called: Iterable[Entity],
    *,
    as_of: datetime,
) -> frozenset[str]:
    """Return who is the ``word`` of somebody in ``whose``, by facts that touch those.

    ``called`` are who bears one of its ``keys_of``. Whoever is known by that very word stands
    before those who are known by a like relation only: of two relatives "my aunt" is the one who
    was called aunt. An ex-wife is who was one, by a fact that has ended; any other is so now.
    """
    links = language().relations.get(word.removeprefix(_EX), {})
    once = is_former(word)
    found = {
        other
        for fact in facts
        if fact.predicate in links and has_ended(fact, as_of) == once
        for other in _others(fact, whose, links[fact.predicate])
    }
    known = {entity.same_as or entity.id for entity in called}
    return frozenset(found & known or found or known)


def has_ended(fact: Fact, as_of: datetime) -> bool:
    return fact.valid_to is not None and fact.valid_to <= as_of


def _others(fact: Fact, whose: Collection[str], end: End) -> Iterable[str]:
    """Yield the other ends of a fact whose described end is ``end``."""
    if fact.object_id is None:
        return
    if end is not False and fact.object_id in whose:
        yield fact.subject_id
    if end is not True and fact.subject_id in whose:
        yield fact.object_id


def between(some: Collection[str], others: Collection[str], facts: Iterable[Fact]) -> set[str]:
    """Return the ids of the facts that link one of these with one of the others."""
    return {
        fact.id
        for fact in facts
        if (fact.subject_id in some and fact.object_id in others)
        or (fact.subject_id in others and fact.object_id in some)
    }


def answers(
    asked: Asked, whom: Collection[str], facts: Iterable[Fact], *, past: bool, as_of: datetime
) -> frozenset[tuple[str, float]]:
    """Return the ids of the facts that answer what is asked about ``whom``, and how well each does.

    From 1 for the predicate that the table names first, a tenth less for each that follows, no less
    than a half: what somebody does is said by their job before it is by where they work. Of the
    ``past`` what still holds tells half as well as what has ended; of what is no longer so it tells
    nothing, nor does what has ended of the present.
    """
    wanted = dict(asked.predicates)
    worth = {p: max(0.5, 1 - 0.1 * place) for place, p in enumerate(wanted)}
    links = language().relations.get(asked.relation.removeprefix(_EX), {})
    once = is_former(asked.relation)
    found: dict[str, float] = {}
    for fact in facts:
        ended = has_ended(fact, as_of)
        if asked.no_longer or once:
            share = 1.0 if ended else 0.0
        elif past:
            share = 1.0 if ended else 0.5
        else:
            share = 0.0 if ended else 1.0
        if not share:
            continue
        if _stands(fact, whom, wanted.get(fact.predicate, _NEITHER)):
            found[fact.id] = share * worth[fact.predicate]
        if fact.predicate in links:
            end = links[fact.predicate]
            # The relation is named by the end that is possessed: the other one is its possessor.
            whose = end if asked.whose or end is None else not end
            if _stands(fact, whom, whose):
                found[fact.id] = share
    return frozenset(found.items())


def _stands(fact: Fact, whom: Collection[str], end: End | str) -> bool:
    if end == _NEITHER:
        return False
    return (end is not False and fact.subject_id in whom) or (
        end is not True and fact.object_id is not None and fact.object_id in whom
    )
