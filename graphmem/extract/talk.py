"""Reads one turn of a talk between people with the turns before it: who is you, who is who.

Does not read what is stated; it says of whom. Who is called what is for ``addresses.py``, which
names are whose for ``cast.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from graphmem.extract.addresses import CallReader, Turn, has_no_name
from graphmem.extract.cast import Cast, cast
from graphmem.extract.lexicon import Grammar
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter
from graphmem.models import Mention, Quote, Statement

_GUESSED: Final = 0.8
"""How much is believed of what is said of "you" where several talk: in seven cases of eight it is
whoever was taken for it."""


class Talk:
    """One turn; the last of ``turns`` is the one that is read."""

    __slots__ = ("_calls", "_g", "_names", "_speaker", "_turns")

    def __init__(
        self, grammar: Grammar, names: Sequence[str], turns: Sequence[Turn], speaker: Mention,
        text: str, cut: Sequence[Sentence],
    ) -> None:  # fmt: skip
        self._g = grammar
        self._names = names
        self._turns = turns
        self._speaker = speaker

        def quote(sentence: int, start: int, end: int) -> Quote:
            return Quoter(text, cut[sentence]).quote(start, end)

        self._calls = CallReader(grammar, turns, speaker, quote)

    def _spoken(self) -> list[str]:
        return [call.text for call in self._turns[-1].calls if call.kind == "name"]

    def addressee(self, other: Mention | None) -> Mention | None:
        """Return who "you" is: whoever is called by a name, where it is not told by the turns."""
        told = len(self._names) == 2 and not has_no_name(self._names[-1])
        called = set(self._spoken())
        if told or len(called) != 1:
            return other
        return Mention(name=called.pop(), kind="person")

    def cast(self) -> Cast:
        """Return which names are those of people who speak."""
        people = [who for who in self._calls.now.values() if who.kind == "name"]
        return cast(self._names, people, self._speaker, self._g, self._spoken())

    def read(
        self,
        found: Sequence[Statement],
        you: Mention | None,
        known: Cast,
        before: Callable[[], Sequence[Statement]],
    ) -> list[Statement]:
        """Return the statements of a turn with what people are called, of whom they are.

        Of "you" less is believed where several talk. ``before`` are the statements so far: where
        it is told only now who somebody is, they are made again of that one.
        """
        told = [replace(x, confidence=self._sure(x, you)) for x in found]
        told = known.read(told) + self._calls.read()
        if any(who.kind == "name" and has_no_name(who.author) for who in self._calls.new()):
            said = before()
            first = self._calls.first()
            told += [replace(x, quote=first) for x in known.read(said) if x not in said]
        return told

    def _sure(self, x: Statement, you: Mention | None) -> float:
        guessed = len(self._names) > 2 and you is not None and you in (x.subject, x.object)
        return round(x.confidence * _GUESSED, 2) if guessed else x.confidence
