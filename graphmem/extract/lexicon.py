"""The grammar as data: reads the tables under ``grammar/`` and indexes them for matching.

Does not know sentences or statements. A user's grammar (a TOML file or a mapping of the same
form) is merged over the shipped one: lists and word tables grow, other values are replaced.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from graphmem.errors import InvalidInput
from graphmem.extract.sentences import words_of

Table = Mapping[str, Any]
Form = Literal["base", "third", "past", "part", "ing"]
Mode = Literal["state", "begins", "ends", "once"]

_FILES: Final = (
    "answers", "company", "dates", "kinds", "names", "opinions", "people", "places",
    "suppositions", "trades", "verbs", "words", "work",
)  # fmt: skip
_FORMS: Final[tuple[Form, ...]] = ("base", "third", "past", "part", "ing")


class Phrases:
    """A set of phrases, each with a value, found longest first at a place in a sentence."""

    __slots__ = ("_by_first",)

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        by_first: dict[str, dict[tuple[str, ...], str]] = {}
        for phrase, value in entries:
            cut = words_of(phrase)
            if cut:
                by_first.setdefault(cut[0], {}).setdefault(cut, value)
        self._by_first: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
            first: tuple(sorted(found.items(), key=lambda item: -len(item[0])))
            for first, found in by_first.items()
        }

    def firsts(self) -> Iterable[str]:
        """Return the words that a phrase may begin with."""
        return self._by_first

    def match(self, lows: Sequence[str], i: int) -> tuple[int, str] | None:
        """Return the end and value of the longest phrase that begins at ``i``."""
        if i >= len(lows):
            return None
        for cut, value in self._by_first.get(lows[i], ()):
            if tuple(lows[i : i + len(cut)]) == cut:
                return i + len(cut), value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A noun for what somebody is to somebody."""

    noun: str
    predicate: str
    gender: str
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One meaning of a verb; see ``grammar/verbs.toml`` for its fields."""

    lemma: str
    after: tuple[tuple[str, ...], ...]
    object: str
    predicate: str
    mode: Mode
    past: str
    perfect: bool
    deny: bool
    negated: str | None
    only_negated: bool
    swap: bool
    modal: frozenset[str]
    confidence: float
    value: str | None
    negated_value: str
    things: bool
    each: bool
    other: str
    paired: bool
    recipient: str
    worded: str
    modal_only: bool
    habit: bool
    never: bool
    performed: bool
    of_others: bool
    planned: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Also:
    """What may follow an object and state more: "at Siemens *as a nurse*"."""

    words: tuple[str, ...]
    object: str
    predicate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a question asks for; see ``grammar/answers.toml``."""

    object: str
    predicate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The tables of ``grammar/``, indexed. Words are lower-case unless they are values."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    units: Mapping[str, str]
    numbers: Mapping[str, int]
    date_phrases: Phrases
    date_openings: frozenset[str]
    seasons: Mapping[str, Sequence[int]]
    feasts: Phrases
    feast_days: Mapping[str, Sequence[int]]
    name_openings: frozenset[str]
    """What a name may begin with in lower case: given names, places, organisations."""
    gender: Mapping[str, str]
    given: Mapping[str, str]
    lower_ambiguous: frozenset[str]
    titles: frozenset[str]
    particles: frozenset[str]
    common: frozenset[str]
    questions: frozenset[str]
    kin: Mapping[str, Kin]
    kin_plural: Mapping[str, Kin]
    kin_of: Mapping[str, Kin]
    pets: Phrases
    pets_plural: Phrases
    modifiers: frozenset[str]
    ended_modifiers: frozenset[str]
    possessions: Phrases
    nameable: Phrases
    lodgings: Phrases
    places: Phrases
    place_ambiguous: frozenset[str]
    org_suffixes: frozenset[str]
    org_prefixes: frozenset[str]
    orgs: Phrases
    org_ambiguous: frozenset[str]
    jobs: Phrases
    job_blockers: frozenset[str]
    job_praise: frozenset[str]
    job_dress: frozenset[str]
    diets: Phrases
    statuses: Phrases
    health: Phrases
    ailments: Phrases
    fondness: Phrases
    feelings: Phrases
    languages: Phrases
    languages_low: frozenset[str]
    hobbies: Phrases
    gerunds: Phrases
    forms: Mapping[str, tuple[tuple[str, Form], ...]]
    passive: frozenset[str]
    frames: Mapping[str, tuple[Frame, ...]]
    also: Mapping[str, tuple[Also, ...]]
    reciprocal: Phrases
    between: Phrases
    parted: Phrases
    toward: Phrases
    company: Phrases
    company_all: Phrases
    workplaces: Phrases
    origins: frozenset[str]
    marital: Phrases
    asks: Mapping[str, tuple[tuple[tuple[str, ...], Ask], ...]]
    answer_openings: frozenset[str]
    answer_yes: frozenset[str]
    hedges: frozenset[str]
    conditions: frozenset[str]
    unreal: Phrases
    openers: frozenset[str]
    goals: frozenset[str]
    not_goals: frozenset[str]
    verbish: frozenset[str]
    adverbs: frozenset[str]
    sets: Mapping[str, frozenset[str]]
    opinions: Mapping[str, frozenset[str]]
    starters: frozenset[str]
    chat_tags: Phrases
    raising: frozenset[str]
    correction_openers: Phrases
    correction_wrong: Phrases
    correction_is: Phrases


def _plain(word: str) -> tuple[str, str]:
    return word, word


def _merge(base: dict[str, Any], over: Table) -> dict[str, Any]:
    """Return ``base`` with ``over`` on top: tables merge, lists and word blocks append."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            merged[key] = _merge(cast("dict[str, Any]", old), cast("Table", value))
        elif isinstance(old, list) and isinstance(value, list):
            merged[key] = [*cast("list[object]", old), *cast("list[object]", value)]
        else:
            merged[key] = value
    return merged


@cache
def _shipped() -> Mapping[str, Any]:
    """Read the tables that ship with the package: the only place that opens files."""
    tables: dict[str, Any] = {}
    folder = resources.files("graphmem.extract") / "grammar"
    for name in _FILES:
        tables = _merge(tables, tomllib.loads((folder / f"{name}.toml").read_text("utf-8")))
    return MappingProxyType(tables)


def _verb_forms(verbs: Table) -> tuple[dict[str, list[tuple[str, Form]]], set[str]]:
    """Index every verb form; a lemma without a base form is only ever passive."""
    index: dict[str, list[tuple[str, Form]]] = {}
    passive: set[str] = set()
    for lemma, entry in verbs.items():
        for line in str(entry["forms"]).split(","):
            words = line.split()
            if len(words) == 1:
                words = ["-", "-", words[0], "-", "-"]
            if len(words) != len(_FORMS):
                raise InvalidInput(
                    f"grammar: verbs.{lemma}.forms has {line.strip()!r}; expected five forms "
                    "(base, third person, past, participle, -ing), '-' where there is none"
                )
            if words[0] == "-" and words[2] == "-":
                passive.update(w for w in words if w != "-")
            for form, word in zip(_FORMS, words, strict=True):
                if word != "-" and (lemma, form) not in index.setdefault(word, []):
                    index[word].append((lemma, form))
    return index, passive


def _only_verbs(verbs: Table, forms: Mapping[str, Sequence[tuple[str, Form]]]) -> frozenset[str]:
    """Return the forms that end a noun phrase: those of a verb whose forms are no nouns."""
    return frozenset(
        word
        for word, found in forms.items()
        if any(not verbs[lemma].get("nouns", False) for lemma, _ in found)
    )


def _persons(phrase: str) -> Iterable[str]:
    """Return a phrase for every person: "my job at", "her job at"."""
    words = phrase.split()
    if "my" not in words:
        return (phrase,)
    return (" ".join(p if w == "my" else w for w in words) for p in ("my", "his", "her", "our"))


def _frame(lemma: str, entry: Table) -> Frame:
    mode = entry["mode"]
    if mode not in ("state", "begins", "ends", "once"):
        raise InvalidInput(
            f"grammar: a frame of {lemma!r} has mode={mode!r}; expected state, begins, ends or once"
        )
    return Frame(
        lemma=lemma,
        after=tuple(
            words_of(phrase) for a in entry.get("after", [""]) for phrase in _persons(str(a))
        ),
        object=str(entry["object"]),
        predicate=str(entry["predicate"]),
        mode=mode,
        past=str(entry.get("past", "ends")),
        perfect=bool(entry.get("perfect", False)),
        deny=bool(entry.get("deny", False)),
        negated=entry.get("negated"),
        only_negated=bool(entry.get("only_negated", False)),
        swap=bool(entry.get("swap", False)),
        modal=frozenset(entry.get("modal", ())),
        confidence=float(entry.get("confidence", 0.85)),
        value=entry.get("value"),
        negated_value=str(entry.get("negated_value", "{o}")),
        things=bool(entry.get("things", False)),
        each=bool(entry.get("each", False)),
        other=str(entry.get("other", "")),
        paired=bool(entry.get("paired", False)),
        recipient=str(entry.get("recipient", "")),
        worded=str(entry.get("worded", "{o}")),
        modal_only=bool(entry.get("modal_only", False)),
        habit=bool(entry.get("habit", False)),
        never=bool(entry.get("never", False)),
        performed=bool(entry.get("performed", False)),
        of_others=bool(entry.get("of_others", False)),
        planned=str(entry.get("planned", "")),
    )


def _frames(verbs: Table) -> dict[str, tuple[Frame, ...]]:
    return {
        lemma: tuple(_frame(lemma, f) for f in entry.get("frames", ()))
        for lemma, entry in verbs.items()
    }


def _also(table: Table) -> dict[str, tuple[Also, ...]]:
    return {
        predicate: tuple(
            Also(words=tuple(str(words).split()), object=str(kind), predicate=str(more))
            for words, kind, more in rows
        )
        for predicate, rows in table.items()
    }


def _asks(rows: Iterable[Table]) -> dict[str, tuple[tuple[tuple[str, ...], Ask], ...]]:
    """Index the questions by their first word, longest first."""
    index: dict[str, list[tuple[tuple[str, ...], Ask]]] = {}
    for row in rows:
        wanted = Ask(object=str(row["object"]), predicate=str(row["predicate"]))
        for asked in row["ask"]:
            words = tuple(str(asked).split())
            index.setdefault(words[0], []).append((words, wanted))
    return {
        first: tuple(sorted(found, key=lambda item: -len(item[0])))
        for first, found in index.items()
    }


def _openings(dates: Table) -> frozenset[str]:
    """Return the words that a date may begin with."""
    phrases = (p.split()[0] for p in dates["phrases"])
    words = str(dates["openings"]).split()
    return frozenset(words).union(dates["months"], dates["weekdays"], dates["numbers"], phrases)


def _kin(tables: Table) -> tuple[dict[str, Kin], dict[str, Kin]]:
    single: dict[str, Kin] = {}
    plural: dict[str, Kin] = {}
    for noun, entry in tables.items():
        kin = Kin(
            noun=noun,
            predicate=str(entry["predicate"]),
            gender=str(entry.get("gender", "u")),
            ended=bool(entry.get("ended", False)),
        )
        single.update(dict.fromkeys(entry["words"], kin))
        plural.update(dict.fromkeys(entry.get("plural", ()), kin))
    return single, plural


def _lower(words: Iterable[str]) -> frozenset[str]:
    return frozenset(w.lower() for w in words)


def _sets(table: Table) -> dict[str, frozenset[str]]:
    return {name: frozenset(str(words).split()) for name, words in table.items()}


def _names(tables: Table) -> tuple[dict[str, str], dict[str, str]]:
    """Return the gender of every given name and its spelling, by lower-case name."""
    gender: dict[str, str] = {}
    spelling: dict[str, str] = {}
    for key, mark in (("either", "u"), ("female", "f"), ("male", "m")):
        for name in str(tables[key]).split():
            low = name.lower()
            gender[low] = mark if gender.get(low, mark) == mark else "u"
            spelling[low] = name
    return gender, spelling


def _places(tables: Table) -> Phrases:
    named = [
        name.strip()
        for key in ("regions", "countries", "cities")
        for name in str(tables[key]).replace("\n", " ").split(";")
        if name.strip()
    ]
    same = cast("Mapping[str, str]", tables["same"])
    return Phrases([*same.items(), *((n, n.removeprefix("the ")) for n in named)])


def load(extra: Path | Table | None = None) -> Grammar:
    """Index the shipped grammar, with a user's own merged over it.

    Raises InvalidInput where a table is not of the form that ``grammar/`` explains.
    """
    tables: dict[str, Any] = dict(_shipped())
    own = _read(extra) if isinstance(extra, Path) else extra or {}
    unknown = sorted({*own} - {*tables})
    if unknown:
        raise InvalidInput(
            f"grammar: there are no tables {unknown}; "
            "the files under graphmem/extract/grammar explain those there are"
        )
    tables = _merge(tables, own)
    try:
        return _index(tables)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            f"grammar: a table is not of the expected form ({error!r}); "
            "the files under graphmem/extract/grammar explain it"
        ) from error


def _read(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"grammar {str(file)!r} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"grammar {str(file)!r} cannot be read: {error}") from error


def _told(t: dict[str, Any]) -> dict[str, Any]:
    """Index the words for what people tell of themselves, and how they answer."""
    return {
        "jobs": Phrases(_plain(w) for w in t["jobs"]["words"]),
        "job_blockers": frozenset(t["jobs"]["not_after"]),
        "job_praise": frozenset(t["jobs"]["praise"]),
        "job_dress": frozenset(t["jobs"]["praise"]) | frozenset(t["jobs"]["dress"]),
        "diets": Phrases(_plain(w) for w in t["diets"]["words"]),
        "statuses": Phrases(_plain(w) for w in t["statuses"]["words"]),
        "lodgings": Phrases(_plain(w) for w in t["lodgings"]["words"]),
        "health": Phrases(_plain(w) for w in t["health"]["words"]),
        "ailments": Phrases(_plain(w) for w in t["health"]["nouns"]),
        "fondness": Phrases(_plain(w) for w in t["fondness"]["words"]),
        "feelings": Phrases(t["feelings"].items()),
        "languages": Phrases(_plain(w) for w in t["languages"]["words"]),
        "languages_low": _lower(t["languages"]["words"]),
        "hobbies": Phrases(_plain(w) for w in t["hobbies"]["words"]),
        "gerunds": Phrases(_plain(w) for w in t["hobbies"]["gerunds"]),
        "reciprocal": Phrases(t["reciprocal"].items()),
        **{name: Phrases(t[name].items()) for name in ("between", "parted", "toward")},
        "company": Phrases((k, v) for k, v in t["company"].items() if k != "all"),
        "company_all": Phrases(t["company"]["all"].items()),
        "workplaces": Phrases(_plain(w) for w in t["workplaces"]["words"]),
        "origins": _lower(str(t["origins"]["words"]).split()),
        "asks": _asks(t["answers"]["rows"]),
        "answer_openings": frozenset(str(t["answers"]["openings"]).split()),
        "answer_yes": frozenset(str(t["answers"]["yes"]).split()),
        "marital": Phrases(_plain(w) for w in t["marital"]["words"]),
    }


def _index(t: dict[str, Any]) -> Grammar:
    gender, given = _names(t["given"])
    single, plural = _kin(t["kin"])
    pets_same = cast("Mapping[str, str]", t["pets"]["same"])
    pets = [(w, pets_same.get(w, w)) for w in t["pets"]["words"]]
    forms, passive = _verb_forms(t["verbs"])
    dates = t["dates"]
    places = _places(t["places"])
    orgs = Phrases(_plain(w) for w in t["organizations"]["known"])
    return Grammar(
        **_told(t),
        months=dates["months"],
        weekdays=dates["weekdays"],
        units=dates["units"],
        numbers=dates["numbers"],
        date_phrases=Phrases((p, str(days)) for p, days in dates["phrases"].items()),
        date_openings=_openings(dates),
        seasons=dates["seasons"],
        feasts=Phrases(_plain(f) for f in dates["feasts"]),
        feast_days=dates["feasts"],
        name_openings=frozenset((*given, *places.firsts(), *orgs.firsts())),
        gender=gender,
        given=given,
        lower_ambiguous=frozenset(t["lower_ambiguous"]["words"]),
        titles=frozenset(t["titles"]["words"]),
        particles=frozenset(t["particles"]["words"]),
        common=_lower(str(t["common"]["words"]).split()),
        questions=frozenset(t["questions"]["words"]),
        kin=single,
        kin_plural=plural,
        kin_of={kin.noun: kin for kin in (*plural.values(), *single.values())},
        pets=Phrases(pets),
        pets_plural=Phrases(_plain(w) for w in t["pets"]["plural"]),
        modifiers=frozenset(t["modifiers"]["words"]) | frozenset(t["modifiers"]["ended"]),
        ended_modifiers=frozenset(t["modifiers"]["ended"]),
        possessions=Phrases(_plain(w) for w in t["possessions"]["words"]),
        nameable=Phrases(_plain(w) for w in t["possessions"]["named"]),
        places=places,
        place_ambiguous=_lower(t["places"]["ambiguous"]),
        org_suffixes=frozenset(t["organizations"]["suffixes"]),
        org_prefixes=frozenset(t["organizations"]["prefixes"]),
        orgs=orgs,
        org_ambiguous=_lower(t["organizations"]["ambiguous"]),
        forms={word: tuple(found) for word, found in forms.items()},
        passive=frozenset(passive),
        frames=_frames(t["verbs"]),
        also=_also(t["also"]),
        hedges=frozenset(t["hedges"]["verbs"]),
        conditions=frozenset(t["hedges"]["conditions"]),
        unreal=Phrases(_plain(p) for p in t["hedges"]["unreal"]),
        openers=frozenset(t["hedges"]["openers"]),
        goals=frozenset(t["goals"]["verbs"]),
        not_goals=frozenset(t["goals"]["never"]),
        verbish=frozenset(str(t["verbish"]["words"]).split()) | _only_verbs(t["verbs"], forms),
        sets=_sets(t["words"]),
        opinions=_sets(t["opinions"]),
        adverbs=frozenset(t["adverbs"]["words"]),
        starters=frozenset(t["adverbs"]["starters"]),
        chat_tags=Phrases(_plain(p) for p in t["tags"]["chat"]),
        raising=frozenset(t["adverbs"]["raising"]),
        correction_openers=Phrases(_plain(p) for p in t["corrections"]["openers"]),
        correction_wrong=Phrases(_plain(p) for p in t["corrections"]["wrong"]),
        correction_is=Phrases(_plain(p) for p in t["corrections"]["is"]),
    )
