"""Reads corrections: "no, the boat is the Ines, not the Inez", "sorry, I meant Braga".

Does not know verbs. What is corrected is looked up among the statements that the same session
made before; where it cannot be told, nothing is stated. A wrong object or value is replaced in
its statement; a wrong name of a subject (my sister is not Anna but Ana) is a correction of
``has_name``.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import NameReader, span_text
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, statement
from graphmem.extract.values import ValueReader
from graphmem.models import Mention, Statement

_NOT: Final = (("not",), ("instead", "of"), ("rather", "than"), ("and", "not"))
_ALIKE: Final = 0.6
"""How alike two spellings of one name are at least (difflib's ratio): Inez and Ines have 0.75."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A name or value in a correction, tokens ``start`` to ``end``."""

    text: str
    start: int
    end: int
    kind: str | None = None


class CorrectionReader:
    """Reads the corrections of one sentence against what the session said before."""

    __slots__ = ("_dates", "_g", "_names", "_prior", "_quoter", "_s", "_values")

    def __init__(
        self, grammar: Grammar, s: Sentence, names: NameReader, values: ValueReader,
        dates: Sequence[Date], quoter: Quoter, prior: Callable[[], Sequence[Statement]],
    ) -> None:  # fmt: skip
        self._dates = dates
        self._g = grammar
        self._s = s
        self._names = names
        self._values = values
        self._quoter = quoter
        self._prior = prior

    # ------------------------------------------------------------------ in a full statement

    def says_wrong(self) -> bool:
        """Whether the sentence says that what was said is wrong: "that was wrong: …"."""
        return any(
            self._g.correction_wrong.match(self._s.lows, i) for i in range(min(3, len(self._s)))
        )

    def against(self, found: Sequence[Statement]) -> list[Statement]:
        """Turn statements followed by ", not X" into corrections of X."""
        out: list[Statement] = []
        for item in found:
            wrong = self._not_after(item)
            if (
                wrong is None
                or item.polarity != "affirm"
                or item.predicate not in self._g.sets["one_value"]
            ):
                out.append(item)
                continue
            said = item.object.name if item.object is not None else item.value
            quote = self._quoter.quote(self._token(item.quote.start), wrong.end)
            if item.predicate == "is_a":
                out.append(replace(item, quote=quote))
                if any(o.predicate == "has_name" and o.replaces == wrong.text for o in out):
                    # "the dog is Rax, not Rex": one dog under another name; it is a dog still.
                    continue
                # "the boat is the Ines, not the Inez": the Inez is no boat of hers.
                other = Mention(name=wrong.text, kind=item.subject.kind)
                out.append(statement(other, "is_a", quote, value=item.value,
                                     polarity="deny", confidence=item.confidence))  # fmt: skip
            elif item.subject.name and item.object is not None and self._names_subject(item):
                if not self._one_name(item, wrong.text):
                    # "My boss is Karin, not Tom": somebody else, no slip of the pen.
                    out.append(replace(item, quote=quote))
                    other = Mention(name=wrong.text, kind=item.subject.kind)
                    out.append(replace(item, subject=other, polarity="deny", quote=quote))
                    continue
                subject = replace(item.subject, name=wrong.text)
                name = statement(
                    subject, "has_name", quote, value=item.subject.name, polarity="correct",
                    replaces=wrong.text, confidence=item.confidence,
                )  # fmt: skip
                # First the name, so that the relation is said of whoever bore the wrong one.
                out += [name, item]
            elif said and said.lower() != wrong.text.lower():
                out.append(replace(item, polarity="correct", replaces=wrong.text, quote=quote))
        return out

    def _one_name(self, item: Statement, wrong: str) -> bool:
        """Whether two names are spellings of one; a pet's name may be wrong altogether."""
        alike = difflib.SequenceMatcher(None, item.subject.name.lower(), wrong.lower()).ratio()
        return alike >= _ALIKE or item.subject.kind == "thing"

    def _names_subject(self, item: Statement) -> bool:
        """Whether what was named last in the statement is its subject ("my sister is Ana")."""
        return item.object is not None and (
            item.object.speaker or item.subject.descriptor is not None
        )

    def _token(self, start: int) -> int:
        return self._s.starts.index(start)

    def _not_after(self, item: Statement) -> _Term | None:
        """Read ", not in Porto" right after a statement's quote."""
        if item.quote.end not in self._s.ends:
            return None
        at = self._s.ends.index(item.quote.end) + 1
        at += self._s.low(at) in (",", "-", "–", "—")
        for words in _NOT:
            if self._s.lows[at : at + len(words)] == words:
                return self._term(at + len(words))
        return None

    def _term(self, i: int) -> _Term | None:
        at = i
        while self._s.low(at) in self._g.sets["fillers"] and at - i < 4:
            at += 1
        date = next((d for d in self._dates if d.text_start == at and d.whole), None)
        if date is not None:
            return _Term(span_text(self._s, at, date.end), at, date.end, "date")
        found = self._names.name(self._s, at, strong=True) or self._names.label(self._s, at)
        if found is not None:
            return (
                _Term(found.text, at, found.end, found.kind)
                if self._values.ends(found.end)
                else None
            )
        phrase = self._values.phrase(at, most=4)
        if phrase is None or phrase.value is None:
            return None
        return _Term(phrase.value, at, phrase.end)

    # ------------------------------------------------------------------ by themselves

    def alone(self) -> list[Statement]:
        """Read a correction that names no subject or verb: "no, it's Ines, not Inez"."""
        at, opened = self._opening()
        if not opened:
            return []
        right, wrong = self._pair(at)
        if right is None:
            return []
        quote = (0, wrong.end if wrong is not None and wrong.end > right.end else right.end)
        prior = self._prior()
        if wrong is not None:
            return self._instead(prior, wrong.text, right, quote)
        return self._nearest(prior, right, quote)

    def _opening(self) -> tuple[int, bool]:
        """Pass "no,", "sorry,", "it's", "I meant"; say whether they open a correction."""
        s = self._s
        at, opened, copula = 0, False, False
        for _ in range(5):
            found = self._g.correction_is.match(s.lows, at)
            if found is not None:
                copula, at = True, found[0]
                opened = opened or found[1].startswith("i mean")
                continue
            found = self._g.correction_openers.match(s.lows, at)
            if found is not None:
                opened, at = True, found[0]
                continue
            if s.low(at) in (",", ":", "-", "–", "—", ".", "!", "the", "a"):
                at += 1
                continue
            break
        return at, opened and (copula or at > 0)

    def _pair(self, i: int) -> tuple[_Term | None, _Term | None]:
        """Read "X, not Y", "not Y but X", "X with one n: Z", or X, up to the sentence's end."""
        s = self._s
        if s.low(i) == "not":
            wrong = self._term(i + 1)
            if wrong is None or s.low(wrong.end + (s.low(wrong.end) == ",")) != "but":
                return None, None
            at = wrong.end + 1 + (s.low(wrong.end) == ",")
            return self._last(self._term(at)), wrong
        right = self._term(i)
        if right is None:
            return None, None
        at = right.end + (s.low(right.end) in (",", "-", "–", "—"))
        for words in _NOT:
            if s.lows[at : at + len(words)] == words:
                wrong = self._last(self._term(at + len(words)))
                return (right, wrong) if wrong is not None else (None, None)
        if s.low(right.end) == "with":
            respelt = self._respelt(right.end)
            return (
                (respelt, right)
                if respelt is not None and respelt.text != right.text
                else (respelt, None)
            )
        return self._last(right), None

    def _respelt(self, i: int) -> _Term | None:
        """Read "… with one n: Ana": the last word of the sentence, after a colon, comma or dash."""
        for at in range(i, min(i + 8, len(self._s))):
            if self._s.lows[at] in (":", ",", "-", "–", "—"):
                return self._last(self._term(at + 1))
        return None

    def _last(self, term: _Term | None) -> _Term | None:
        """Keep a term only if the sentence ends after it: else it is not all that was said."""
        if term is None:
            return None
        rest = self._s.lows[term.end :]
        return (
            term
            if all(
                not w[0].isalnum() or w in ("sorry", "actually", "haha", "though", "oops")
                for w in rest
            )
            else None
        )

    def _instead(
        self, prior: Sequence[Statement], wrong: str, right: _Term, span: tuple[int, int]
    ) -> list[Statement]:
        """Say the latest statements that hold ``wrong`` again, with what is right."""
        found: list[Statement] = []
        for old in reversed(prior):
            new = self._replaced(old, wrong, right, span)
            if new is not None and not any(_same(new, f) for f in found):
                found.append(new)
        return self._latest_only(found, prior, wrong)

    def _latest_only(
        self, found: list[Statement], prior: Sequence[Statement], wrong: str
    ) -> list[Statement]:
        """One name may stand in several statements of one sentence; older sentences are left."""
        if not found:
            return []
        latest = next(o for o in reversed(prior) if _holds(o, wrong))
        return [
            f
            for f in found
            if f.predicate
            in {o.predicate for o in prior if _holds(o, wrong) and o.quote == latest.quote}
            | {"has_name"}
        ]

    def _replaced(
        self, old: Statement, wrong: str, right: _Term, span: tuple[int, int]
    ) -> Statement | None:
        quote = self._quoter.quote(*span)
        low = wrong.lower()
        if old.polarity not in ("affirm", "correct") or old.predicate == "is_a":
            return None
        right = _worded(right, old)
        if old.object is not None and old.object.name.lower() == low:
            return replace(old, object=replace(old.object, name=right.text), polarity="correct",
                           replaces=old.object.name, quote=quote)  # fmt: skip
        if old.value is not None and old.value.lower() == low:
            return replace(
                old, value=right.text, polarity="correct", replaces=old.value, quote=quote
            )
        if old.subject.name.lower() == low and not old.subject.speaker:
            return statement(old.subject, "has_name", quote, value=right.text, polarity="correct",
                             replaces=old.subject.name, confidence=0.85)  # fmt: skip
        return None

    def _nearest(
        self, prior: Sequence[Statement], right: _Term, span: tuple[int, int]
    ) -> list[Statement]:
        """Find what a bare right name can only replace: the same kind, or a like spelling."""
        if right.kind is None:
            return []
        names: list[str] = []
        if right.kind == "date":
            days = dict.fromkeys(o.value for o in prior if o.predicate == "birthday" and o.value)
            return (
                self._instead(prior, next(iter(days)) or "", right, span) if len(days) == 1 else []
            )
        for old in reversed(prior):
            for mention in (old.object, old.subject):
                if mention is None or mention.speaker or not mention.name:
                    continue
                alike = difflib.SequenceMatcher(
                    None, mention.name.lower(), right.text.lower()
                ).ratio()
                place = mention.kind == "place" and right.kind == "place"
                if (
                    mention.name not in names
                    and mention.name != right.text
                    and (place or alike >= _ALIKE)
                ):
                    names.append(mention.name)
        return self._instead(prior, names[0], right, span) if len(names) == 1 else []

    def stands_instead(self, found: Sequence[Statement]) -> list[Statement]:
        """After "that was wrong": what is said now replaces what was said of the same slot."""
        out: list[Statement] = []
        for item in found:
            old = next((o for o in reversed(self._prior()) if _same_slot(o, item)), None)
            wrong = (
                None if old is None else (old.object.name if old.object is not None else old.value)
            )
            if (
                wrong
                and item.polarity == "affirm"
                and item.predicate in self._g.sets["one_value"]
                and not _same(old, item)
            ):
                out.append(replace(item, polarity="correct", replaces=wrong))
            else:
                out.append(item)
        return out


def _worded(right: _Term, old: Statement) -> _Term:
    """Return what is right without the article that a name lacks."""
    return replace(right, text=right.text.removeprefix("the ")) if old.object is not None else right


def _holds(item: Statement, name: str) -> bool:
    """Whether a statement names ``name`` as its subject, object or value."""
    low = name.lower()
    return low in (
        item.subject.name.lower(),
        item.object.name.lower() if item.object is not None else "",
        (item.value or "").lower(),
    )


def _same(one: Statement | None, other: Statement) -> bool:
    return one is not None and (one.subject, one.predicate, one.object, one.value) == (
        other.subject, other.predicate, other.object, other.value,
    )  # fmt: skip


def _same_slot(one: Statement, other: Statement) -> bool:
    return (
        one.predicate == other.predicate
        and one.subject == other.subject
        and one.polarity in ("affirm", "correct")
    )


def mentions_of(found: Iterable[Statement]) -> list[Mention]:
    """Return every mention that statements name, in order."""
    return [m for s in found for m in (s.subject, s.object) if m is not None]
