"""Reads what is said by contrast: "Tom isn't my boss, Karin is", "not Tom who …, it's Karin".

Does not know verbs: it finds the subject that takes the place of a denied one, and has the clause
read again with it. Also "and so is Tom", which says of one what was said of another, and "switched
from law to history", which replaces what the session said before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graphmem.extract.clauses import Clause
from graphmem.extract.names import span_text
from graphmem.extract.scene import Ref
from graphmem.extract.sentences import Sentence
from graphmem.extract.values import ValueReader

_AUXILIARIES: Final = frozenset(
    {
        "is",
        "'s",
        "are",
        "am",
        "'m",
        "was",
        "were",
        "do",
        "does",
        "did",
        "has",
        "have",
        "will",
        "can",
    }
)
_POINTING: Final = frozenset({"it", "that"})
_SO: Final = frozenset({"so", "neither", "nor"})
_OPENINGS: Final = _POINTING | _SO


@dataclass(frozen=True, slots=True)
class Elliptic:
    """A clause read again with another subject; its own words are ``start`` to ``end``."""

    clause: Clause
    start: int
    end: int
    earlier: bool
    """Whether the clause stands in the sentence before."""


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody has changed from and to: "from law to history"."""

    old: str
    new: str
    end: int


class ContrastReader:
    """Finds the elliptic clauses of one sentence."""

    __slots__ = ("_refs", "_s", "_values")

    def __init__(self, s: Sentence, refs: Mapping[int, Ref], values: ValueReader) -> None:
        self._s = s
        self._refs = refs
        self._values = values

    def read(self, clauses: Sequence[Clause], before: Clause | None) -> Iterator[Elliptic]:
        """Yield the contrasts to ``clauses``, or to the denied clause of the sentence before.

        Only the last clause before the words is meant, and only if it was denied; "so is" asks
        for one that was not. O(tokens).
        """
        for i in range(len(self._s)):
            found = self._subject(i)
            if found is None:
                continue
            subject, end = found
            last = next((c for c in reversed(clauses) if c.group.end <= i), None)
            earlier = last is None and i <= 1 and not self._agrees(i)
            last = before if earlier else last
            if last is None or subject.mention in [r.mention for r in last.subjects]:
                continue
            if (last.group.negation == "not") == self._agrees(i) or last.group.modal:
                continue
            group = replace(last.group, negation="")
            yield Elliptic(replace(last, subjects=(subject,), group=group), i, end, earlier)

    def change(self, clause: Clause) -> Change | None:
        """Read "switched from law to history", "swapped tea for coffee", after their verb."""
        at = clause.group.end
        at += self._s.low(at) in ("jobs", "over", "majors", "courses", "subjects")
        begins, joint = (at + 1, "to") if self._s.low(at) == "from" else (at, "for")
        for middle in range(begins + 1, min(begins + 5, len(self._s))):
            if self._s.lows[middle] == joint:
                end = middle + 1
                while not self._values.ends(end) and end - middle < 5:
                    end += 1
                if not self._values.ends(end) or end == middle + 1:
                    return None
                return Change(
                    span_text(self._s, begins, middle), span_text(self._s, middle + 1, end), end
                )
        return None

    def dropped(self, clause: Clause) -> Change | None:
        """Read "dropped optometry", "has given up the cello", "quit Rust Parade"."""
        lemmas = clause.group.lemmas
        at = clause.group.end
        if "give" in lemmas:
            if self._s.low(at) != "up":
                return None
            at += 1
        elif not {"drop", "stop", "leave"}.intersection(lemmas):
            return None
        at += self._s.low(at) in ("the", "my", "his", "her", "playing", "doing", "studying")
        end = at
        while not self._values.ends(end) and end - at < 4:
            end += 1
        if end == at or not self._values.ends(end):
            return None
        return Change(span_text(self._s, at, end), "", end)

    def _agrees(self, i: int) -> bool:
        return self._s.low(i) in _SO

    def _subject(self, i: int) -> tuple[Ref, int] | None:
        """Read "Karin is", "it's Karin", "so is Karin", up to where a clause may end."""
        s = self._s
        if i not in self._refs and s.lows[i] not in _OPENINGS:
            return None
        if s.low(i - 1) not in ("", ",", ".", ";", "but", "and", "-", "–", "—") and i > 0:
            return None
        ref = self._refs.get(i)
        if ref is not None and ref.role not in ("object", "it"):
            known = ref.kind in ("person", None)
            if known and s.low(ref.end) in _AUXILIARIES and self._ends(ref.end + 1):
                return self._person(ref), ref.end + 1
            return None
        at = i + 2
        pointed = s.low(i) in _POINTING and s.low(i + 1) in ("is", "'s", "was")
        agreed = s.low(i) in _SO and s.low(i + 1) in _AUXILIARIES
        ref = self._refs.get(at) if pointed or agreed else None
        if ref is None or ref.kind not in ("person", None) or not self._ends(ref.end):
            return None
        return self._person(ref), ref.end

    def _person(self, ref: Ref) -> Ref:
        return replace(ref, mention=replace(ref.mention, kind="person"), kind="person")

    def _ends(self, i: int) -> bool:
        return i >= len(self._s) or (not self._s.lows[i][0].isalnum() and self._s.lows[i] != "'s")
