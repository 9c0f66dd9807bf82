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
from graphmem.extract.present import Present
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, slot_of
from graphmem.extract.suppositions import LIKELY, VAGUE
from graphmem.models import Mention, Quote, Statement

_GUESSED: Final = 0.8
"""How much is believed of what is said of "you" where several talk: in seven cases of eight it is
whoever was taken for it."""

_NEAR: Final = 4
"""Turns back in which those have spoken who are still there."""


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

    def present(self, known: Cast) -> Present:
        """Return who may be meant by "you" and "he" where it is not told.

        Whoever is called by a name that is known to be theirs, else who has spoken last.
        """
        me = self._turns[-1].author
        others = dict.fromkeys(
            t.author for t in reversed(self._turns[:-1])
            if t.author and t.author != me and "," not in t.author
        )  # fmt: skip
        called = (known.known(Mention(name=name, kind="person")) for name in self._spoken())
        you = next((m.name for m in called if m and m.name in others), next(iter(others), ""))
        rest = [name for name in others if name != you]
        late = {t.author for t in self._turns[-1 - _NEAR : -1]}
        return Present(
            you=Mention(name=you, kind="person") if you else None,
            third=Mention(name=rest[0], kind="person") if len(rest) == 1 else None,
            near=tuple(Mention(name=name, kind="person") for name in others if name in late),
        )

    def suppose(
        self, found: Sequence[Statement], said: Sequence[Statement], known: Cast
    ) -> list[Statement]:
        """Return what is supposed and not said, as being about whom it is; called kin too.

        Where the turns do not tell which of several was meant by "Dad", it is whoever leads. Words
        that something was read from ("my roommate Tor") tell nothing of others who are there.
        """
        told = {slot_of(x) for x in said}
        left = [x for x in found if x.confidence > VAGUE or not any(_covers(o, x) for o in said)]
        supposed = known.read(left) + self._calls.likely(LIKELY)
        return [x for x in supposed if slot_of(x) not in told]

    def _sure(self, x: Statement, you: Mention | None) -> float:
        guessed = len(self._names) > 2 and you is not None and you in (x.subject, x.object)
        return round(x.confidence * _GUESSED, 2) if guessed else x.confidence


def _covers(whole: Statement, part: Statement) -> bool:
    """Whether one was read from all the words that the other was."""
    return whole.quote.start <= part.quote.start and part.quote.end <= whole.quote.end
