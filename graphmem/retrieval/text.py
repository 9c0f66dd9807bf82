"""The one analyser: what full text is indexed by, and what a question is turned into.

Knows no store and no ranking. Both engines only match the terms written here (FTS5 with its ascii
tokenizer, Lucene with its whitespace analyser), so every store finds the same candidates in every
language, and raw text never reaches a query parser: a term holds letters, their marks and digits
and nothing else.

Words are Unicode words under NFKC and casefold, accents folded; English stems by Snowball (Porter,
"Snowball", 2001), taken to their fixed point so that analysing terms again changes nothing; runs
of Chinese, Japanese, Korean and Thai, which write no blanks or agglutinate, become overlapping
bigrams.
"""

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Final, cast

import Stemmer  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]  # C, no stubs

MAX_TERM: Final = 64

ASKS: Final = "questionmark"
"""The term that full text keeps of a text that ends in a question: "?" is no letter, but ranking
needs to know who asks and who answers, and no store has to carry one more column for it."""

_ASCII_WORD: Final = re.compile(r"[a-z0-9]+", re.IGNORECASE)

STOP: Final = frozenset(
    _ASCII_WORD.findall(
        """
        a an the and or but if of to in on at for with from by as is are was were be been being am
        do does did doing done have has had having i you he she it we they me him her us them my
        your his its our their mine yours hers ours theirs this that these those not no nor so than
        too very can will just about into over
        """
    )
)
"""Words that say nothing about what a text is about."""

QUESTION: Final = frozenset(
    _ASCII_WORD.findall(
        """
        what which who whom whose when where why how would could should might shall must there here
        any some ever also then after before during while both many much kind type sort please tell
        know say said remember recall now currently nowadays anymore
        """
    )
)
"""Words that ask: dropped from a question, kept in what is searched."""

_IRREGULAR: Final = {
    form: base
    for base, *forms in (
        row.split()
        for row in re.findall(
            r"[a-z]+(?: [a-z]+)+",
            """
        arise arose arisen, awake awoke awoken, bear bore borne, beat beaten, become became,
        begin began begun, bend bent, bind bound, bite bit bitten, bleed bled, blow blew blown,
        break broke broken, breed bred, bring brought, build built, burn burnt, buy bought,
        catch caught, choose chose chosen, come came, creep crept, deal dealt, dig dug,
        draw drew drawn, dream dreamt, drink drank drunk, drive drove driven, eat ate eaten,
        fall fell fallen, feed fed, feel felt, fight fought, find found, flee fled, fly flew flown,
        forbid forbade forbidden, forget forgot forgotten, forgive forgave forgiven,
        freeze froze frozen, get got gotten, give gave given, go went gone, grow grew grown,
        hang hung, hear heard, hide hid hidden, hold held, keep kept, kneel knelt, know knew known,
        lay laid, lead led, lean leant, leap leapt, learn learnt, leave left, lend lent, light lit,
        lose lost, make made, mean meant, meet met, pay paid, prove proven, ride rode ridden,
        ring rang rung, rise rose risen, run ran, say said, see saw seen, seek sought, sell sold,
        send sent, sew sewn, shake shook shaken, shine shone, shoot shot, show shown,
        shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, sleep slept, slide slid,
        speak spoke spoken, speed sped, spend spent, spin spun, stand stood, steal stole stolen,
        stick stuck, sting stung, strike struck, swear swore sworn, sweep swept, swim swam swum,
        swing swung, take took taken, teach taught, tear tore torn, tell told, think thought,
        throw threw thrown, understand understood, wake woke woken, wear wore worn,
        weave wove woven, weep wept, win won, wind wound, write wrote written,
        child children, man men, woman women, foot feet, tooth teeth, goose geese, mouse mice,
        person people, wife wives, knife knives, leaf leaves, half halves,
        shelf shelves, wolf wolves, loaf loaves, thief thieves
        """,
        )
    )
    for form in forms
}
"""Forms that no suffix rule brings back to their base: "Where did she go?" must find "I went"."""

_MONTHS: Final = _ASCII_WORD.findall(
    "January February March April May June July August September October November December"
)
_DAYS: Final = _ASCII_WORD.findall("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

_CJK: Final = (
    "\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_CJK_RUN: Final = re.compile(f"[{_CJK}]+")
_PIECE: Final = re.compile(f"[{_CJK}]+|[^{_CJK}]+")
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f", "\u037e")
_GROUPED: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_CONTRACTED: Final = re.compile(
    r"\b(?:wo|ca|sha|ai)n['\u2019\u02bc]t\b|n['\u2019\u02bc]t\b"
    r"|(?<=\w)['\u2019\u02bc](?:s|d|m|ll|re|ve)\b"
)
_LATIN_MARKS: Final = re.compile("[\u0300-\u036f]")


def _fold(text: str) -> str:
    """Return NFKC, casefolded, without Latin, Greek and Cyrillic accents; idempotent."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii():
        return text
    bare = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", bare).casefold()


def _is_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def _words(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return "".join(char if _is_word(char) else " " for char in text).split()


@lru_cache(maxsize=1 << 16)
def _stem(word: str) -> str:
    """Return the stem of the stem of the base form, until it no longer changes."""
    # A stemmer keeps its buffer between calls and is not safe across threads: one per word,
    # which costs a microsecond, and the cache keeps the words.
    stemmer = Stemmer.Stemmer("english", 0)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # C, no stubs
    for _ in range(8):
        shorter = cast(str, stemmer.stemWord(_IRREGULAR.get(word, word)))  # pyright: ignore[reportUnknownMemberType]  # C, no stubs
        if shorter == word:
            break
        word = shorter
    return word


def _terms(text: str, drop: frozenset[str]) -> tuple[str, ...]:
    folded = _fold(text)
    if "," in folded:
        folded = _GROUPED.sub("", folded)
    if not folded.isascii() or "'" in folded:
        folded = _CONTRACTED.sub(" ", folded)
    found: list[str] = []
    for word in _words(folded):
        for piece in (word,) if word.isascii() else _PIECE.findall(word):
            if not piece.isascii() and _CJK_RUN.match(piece):
                found.extend(piece[i : i + 2] for i in range(max(1, len(piece) - 1)))
                continue
            short = piece[:MAX_TERM]
            if short in drop:
                continue
            stem = _stem(short)
            if stem not in drop:
                found.append(stem)
    return tuple(found)


def analyse(text: str) -> tuple[str, ...]:
    """Return the terms of a text in order, repeated as often as they occur.

    A term has 1 to 64 characters, all letters, their marks or digits. Any text is accepted;
    ``analyse(" ".join(analyse(text)))`` equals ``analyse(text)``. O(length).
    """
    return _terms(text, STOP)


def analyse_query(text: str) -> tuple[str, ...]:
    """Return the terms of a question, each once, without the words that only ask.

    A question of nothing but such words keeps them, so that "Where, and when?" still asks.
    """
    return tuple(dict.fromkeys(_terms(text, STOP | QUESTION) or _terms(text, STOP)))


def date_words(moment: datetime) -> str:
    """Return a date as people write it, "Monday 8 May 2023", in no locale but English."""
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def asks(text: str) -> bool:
    """Return whether a text ends in a question; image and file captions after it do not count."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    while lines and lines[-1].startswith(("[image:", "[file:")):
        lines.pop()
    return bool(lines) and lines[-1].rstrip(" \"')*_\u2019\u201d").endswith(_QUESTION_MARKS)


def indexed_text(author: str | None, occurred_at: datetime, text: str) -> str:
    """Return what full text indexes of an episode.

    When it was, who spoke, and whether it asks are words too, for questions name them.
    """
    mark = f" {ASKS}" if asks(text) else ""
    return f"{date_words(occurred_at)} {author or ''}: {text}{mark}"


def embedded_text(author: str | None, occurred_at: datetime, text: str) -> str:
    """Return what is embedded of an episode: the speaker and the words."""
    return f"{author}: {text}" if author else text
