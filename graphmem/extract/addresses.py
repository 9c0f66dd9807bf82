"""Reads how people are addressed: "Thanks, Mel!" tells what the one spoken to is called.

Does not know verbs. Who is spoken to is told by the turns alone: the other one, where two talk;
else whoever spoke just before, where the two alternate. Only somebody whose author's name is no
name ("Speaker 2") gets one so; for others a short form of their name is another name of theirs.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import NameReader
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, statement
from graphmem.models import Event, Mention, Statement

_PLACEHOLDER: Final = re.compile(
    r"(?:speaker|user|person|guest|participant|caller|customer|client|member)?[ _#-]?\d{0,4}",
    re.IGNORECASE,
)
_ENDS: Final = frozenset({",", ".", "!", "?", "…", ";", "-", "–", "—", ""})


def spoken_to(event: Event, before: Sequence[Event]) -> tuple[str, float] | None:
    """Return the author whom an event speaks to and how sure that is; None if it is not told."""
    turns = [e.author.strip() if e.author else "" for e in before if e.role == "user"]
    me = (event.author or "").strip()
    if not me or not turns or len(turns) < len(before) or not all(turns):
        return None
    others = [name for name in dict.fromkeys(turns) if name != me]
    if turns[-1] == me or "," in turns[-1] or not others:
        return None
    if len(others) == 1:
        return others[0], 0.85
    return (turns[-1], 0.65) if me in turns[-3:-1] else None


def has_no_name(author: str) -> bool:
    """Whether an author's name only numbers a speaker."""
    return _PLACEHOLDER.fullmatch(author) is not None


class AddressReader:
    """Reads the addresses in one sentence."""

    __slots__ = ("_g", "_names", "_quoter", "_s")

    def __init__(self, grammar: Grammar, s: Sentence, names: NameReader, quoter: Quoter) -> None:
        self._g = grammar
        self._s = s
        self._names = names
        self._quoter = quoter

    def read(self, to: tuple[str, float], authors: Sequence[str]) -> list[Statement]:
        """Return what calling ``to`` by a name states about their names."""
        author, confidence = to
        others = {name.lower() for name in authors}
        who = Mention(name=author, kind="person")
        out: list[Statement] = []
        for name, start, end in self._called():
            low = name.lower()
            if low in others:
                continue
            if has_no_name(author):
                predicate = "has_name"
            elif low[:2] == author.lower()[:2] and len(low) < len(author):
                predicate = "known_as"
            else:
                continue
            quote = self._quoter.quote(start, end)
            out.append(statement(who, predicate, quote, value=name, confidence=confidence))
        return out[:1]

    def _called(self) -> Iterator[tuple[str, int, int]]:
        """Yield the names that stand by themselves between marks: "Well, Mel, …"."""
        s = self._s
        for i in range(len(s)):
            if not s.capital(i) or s.lows[i] in self._g.months:
                continue
            name = self._names.person(s, i, strong=True)
            if name is None or name.end - i > 2 or s.low(name.end) not in _ENDS:
                continue
            known = name.kind == "person" or s.lows[i] in self._g.given
            if not known or not self._stands_alone(i, name.end):
                continue
            yield name.text, i, name.end

    def _stands_alone(self, i: int, end: int) -> bool:
        """Whether a name is an address: not one of a list, not the whole answer to a question."""
        s = self._s
        before = s.low(i - 1) if i > 0 else ""
        if before not in _ENDS and before not in self._g.sets["hails"]:
            return False
        after = s.low(end)
        if before == "," and i > 1 and s.lows[i - 2] in self._g.kin:
            # "… my new boyfriend, Joshua."
            return False
        if s.low(end + 1) in ("this", "meet") or (before == "," and s.low(i - 2) in ("is", "meet")):
            # "Mike, this is Ross": who is spoken to has changed.
            return False
        lone = i == 0 and all(not w[0].isalnum() for w in s.lows[end:])
        another = s.low(end + 1) in self._g.given and s.low(end + 2) in (",", "and", "or")
        listed = after == "," and (
            s.low(end + 1) in ("and", "or") or (s.capital(end + 1) and i > 0) or another
        )
        follows = before == "," and i > 1 and s.capital(i - 2) and s.lows[i - 2] in self._g.given
        return not (listed or follows or (lone and after != "!"))
