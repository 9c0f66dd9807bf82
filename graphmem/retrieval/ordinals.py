"""Sessions that a question counts: "our third session", "two sessions ago", "last time we spoke".

Knows no session: it says which are meant, from the first or back from the last, and ``meant``
picks them from those that there are. English only; what is not understood counts nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphmem.models import SessionPeriod

COUNTS: Final = {
    word: number
    for number, words in enumerate(
        (
            ("a", "an", "one"),
            ("two", "couple"),
            ("three", "few"),
            ("four",),
            ("five",),
            ("six",),
            ("seven",),
            ("eight",),
            ("nine",),
            ("ten",),
            ("eleven",),
            ("twelve",),
        ),
        start=1,
    )
    for word in words
}
COUNT: Final = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(COUNTS, key=len)[::-1])})(?: of)?"
"""A small number, in digits or as a word of ``COUNTS``."""

_TALK: Final = r"(?:sessions?|conversations?|chats?|discussions?)"
_SMALL: Final = re.findall(
    r"\w+",
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
)
_TENS: Final = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS: Final = {
    **{word: number for number, word in enumerate(_SMALL) if number},
    **{f"{tens[:-1]}ieth": 10 * (n + 2) for n, tens in enumerate(_TENS)},
    **{
        f"{tens}{joint}{_SMALL[one]}": 10 * (n + 2) + one
        for n, tens in enumerate(_TENS)
        for one in range(1, 10)
        for joint in "- "
    },
}
_NTH: Final = rf"(?P<nth>\d{{1,4}}(?:st|nd|rd|th)|{'|'.join(sorted(_ORDINALS, key=len)[::-1])})"
_OUR: Final = r"(?:(?:in|during|over|from) )?(?:(?:our|the|my|your|a) )?"
_PATTERNS: Final = tuple(
    (kind, re.compile(rf"\b{pattern}\b"))
    for kind, pattern in (
        (
            "range",
            rf"{_OUR}{_TALK} (?:number )?(?P<first>\d{{1,4}})\s*"
            r"(?:through|thru|to|until|till|and|-|\u2013)\s*(?P<last>\d{1,4})",
        ),
        ("number", rf"{_OUR}{_TALK} (?:number |no\.? |#)?(?P<first>\d{{1,4}})"),
        ("ago", rf"{COUNT} {_TALK} ago"),
        ("latest", rf"{_OUR}(?:last|past|previous|latest|most recent) {COUNT} {_TALK}"),
        ("earliest", rf"{_OUR}first {COUNT} {_TALK}"),
        ("nth", rf"{_OUR}{_NTH} {_TALK}"),
        ("last", rf"{_OUR}(?:very )?(?:last|previous|latest|most recent) {_TALK}"),
        ("last", r"(?:the )?last time (?:that )?(?:we|you and i) (?:talked|spoke|chatted|met)"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Sessions by their places, from 1 and both included: from the first, or back from the last."""

    first: int
    last: int
    back: bool = False


def counted(question: str) -> tuple[Counted | None, str]:
    """Return which sessions a question counts, and the question without the words that say it.

    "Before" and "after" a session count none: that is a longer time than the session's.
    """
    low = question.casefold()
    if len(low) != len(question):
        return None, question  # its places would be other ones
    for kind, pattern in _PATTERNS:
        match = pattern.search(low)
        if match is None:
            continue
        if re.search(r"\b(?:before|after|since|until)\s*$", question[: match.start()], re.I):
            return None, question
        found = _counted(kind, match)
        if found is not None:
            return found, f"{question[: match.start()]} {question[match.end() :]}"
    return None, question


def _counted(kind: str, match: re.Match[str]) -> Counted | None:
    said = match.groupdict()
    match kind:
        case "range":
            first, last = sorted((int(said["first"]), int(said["last"])))
            return Counted(first=first, last=last) if first else None
        case "number":
            first = int(said["first"])
            return Counted(first=first, last=first) if first else None
        case "nth":
            word = said["nth"]
            first = int(word[:-2]) if word[0].isdigit() else _ORDINALS[word]
            return Counted(first=first, last=first) if first else None
        case "last":
            return Counted(first=1, last=1, back=True)
        case _:
            word = said["count"]
            count = int(word) if word.isdigit() else COUNTS[word]
            if not count:
                return None
            if kind == "ago":
                return Counted(first=count, last=count, back=True)
            return Counted(first=1, last=count, back=kind == "latest")


def meant(sessions: Sequence[SessionPeriod], counted: Counted) -> Sequence[SessionPeriod]:
    """Return the sessions that are meant, of ``sessions`` in the order in which they began."""
    order = list(reversed(sessions)) if counted.back else list(sessions)
    return order[counted.first - 1 : counted.last]
