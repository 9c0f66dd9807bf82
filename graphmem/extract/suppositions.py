"""Reads what talk between people lets suppose of two of them, without anybody saying so.

The strict readers are silent about questions, conditions, plans, and wherever it is open who is
meant. Something is told all the same: who asks "Are you and Tor back together?" takes the two for a
couple, "I don't live here anymore" is said to somebody of the same home. Here the grammar is loose,
words for what people are to each other and the people nearest to them. What comes out is of the
polarity ``suppose``: it ends and contradicts nothing, gives way as soon as somebody says how it is,
and answers no question.

Does not know sentences beside this one, nor who is who: ``present.py`` finds whom its words may
mean. Every rule looks a bounded number of tokens around, so O(tokens).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from graphmem.extract.lexicon import Grammar, Kin
from graphmem.extract.names import span_text
from graphmem.extract.opinions import OpinionReader
from graphmem.extract.present import WE, Present, Spot
from graphmem.extract.scene import Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter
from graphmem.models import Mention, Statement

LIKELY: Final = 0.4
"""Of two people in one sentence with the word."""
VAGUE: Final = 0.3
"""Of those who talk, where nobody is named."""
_BE: Final = frozenset({"is", "'s", "are", "'re", "'m", "am", "was", "were", "be", "been"})
_STOP: Final = frozenset({".", ";", "but", "because"})
_NOT: Final = frozenset({"not", "n't", "never", "nobody"})
_OWNS: Final = frozenset({"my", "our", "your", "his", "their"})
_TELLING: Final = frozenset({"tell", "telling", "told"})
_NO_SUBJECT: Final = frozenset({"him", "his", "her", "your", "yours", "yourself"})
_FIRST: Final = frozenset({"i", "me", "my", "we", "us", "our"})
_BECOMES: Final = _BE | {"become", "became", "as", "being"}
_ARTICLES: Final = frozenset({"a", "an", "the", *_OWNS, "her"})
_HELPING: Final = _BE | frozenset(
    {"do", "does", "did", "have", "has", "had", "'ve", "'d", "got", "can", "could", "will", "'ll",
     "must", "might", "may", "get", "gets", "getting", "going", "gonna", "to", "so", "such", "a",
     "all", "the"}
)  # fmt: skip


class SuppositionReader:
    """Reads what one sentence lets suppose."""

    __slots__ = ("_g", "_now", "_opinions", "_present", "_quoter", "_s", "_scene", "_spots")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, spots: Mapping[int, Spot],
        present: Present, opinions: OpinionReader, quoter: Quoter, now: datetime,
    ) -> None:  # fmt: skip
        self._g = grammar
        self._scene = scene
        self._s = s
        self._spots = spots
        self._present = present
        self._opinions = opinions
        self._quoter = quoter
        self._now = now

    def read(self) -> Iterator[Statement]:
        """Yield what may be so; the same may come twice."""
        s, g = self._s, self._g
        at = 0
        while at < len(s):
            after = at + 1
            for words, over in ((g.between, False), (g.parted, True)):
                found = words.match(s.lows, at)
                if found is not None:
                    yield from self._tie(at, *found, over=over)
                    after = found[0]
            found = g.toward.match(s.lows, at)
            if found is not None:
                yield from self._felt(at, *found)
            if s.lows[at] in g.kin:
                yield from self._kin(at, g.kin[s.lows[at]], several=False)
            elif s.lows[at] in g.kin_plural:
                yield from self._kin(at, g.kin_plural[s.lows[at]], several=True)
            job = g.jobs.match(s.lows, at)
            if job is not None:
                while (more := g.jobs.match(s.lows, job[0])) is not None:
                    job = more
                yield from self._job(at, job[0])
                after = max(after, job[0])
            at = after
        yield from self._judged()
        yield from self._company()

    # ------------------------------------------------------------------ who is near

    def _before(self, at: int, reach: int) -> list[tuple[int, Mention]]:
        """Return who stands before token ``at``, the nearest first."""
        found: list[tuple[int, Mention]] = []
        for n in range(at - 1, max(-1, at - 1 - reach), -1):
            if self._s.lows[n] in _STOP:
                break
            if n in self._spots:
                found.append((n, self._spots[n].who))
        return found

    def _behind(self, at: int, reach: int) -> Spot | None:
        for n in range(at, min(len(self._s), at + reach)):
            if self._s.lows[n] in _STOP:
                return None
            if n in self._spots:
                return self._spots[n]
        return None

    def _pair(self, one: Mention, other: Mention) -> tuple[Mention, Mention] | None:
        """Return two people, of "us" the one whom the other leaves; nobody who only hears of it."""
        if one == WE == other:
            told = any(
                self._s.lows[n] == "you" and self._s.lows[n - 1] in _TELLING
                for n in range(1, len(self._s))
            )
            other = WE if told else self._present.you or WE
        me = self._scene.speaker
        pair = (me if one == WE else one, me if other == WE else other)
        return pair if pair[0] != pair[1] else None

    def _each(self, who: Mention) -> tuple[Mention, ...]:
        """Return somebody, of "us" everybody."""
        if who != WE:
            return (who,)
        me, you = self._scene.speaker, self._present.you
        return (me,) if you is None else (me, you)

    # ------------------------------------------------------------------ rules

    def _tie(self, at: int, end: int, predicate: str, *, over: bool) -> Iterator[Statement]:
        """Read "you and Tor get back together", "would I live with her", "our wedding"."""
        before = self._before(at, 7)
        if self._s.lows[at] == "our":
            before.insert(0, (at, WE))
        behind = self._behind(end, 3)
        pair: tuple[Mention, Mention] | None = None
        if behind is not None and before:
            pair, end = self._pair(before[0][1], behind.who), behind.end
        elif before and before[0][1] == WE:
            pair = self._pair(WE, WE)
        elif len(before) > 1:
            pair = self._pair(before[0][1], before[1][1])
        if pair is not None:
            yield self._state(*pair, predicate, before[0][0], end, over=over)

    def _felt(self, at: int, end: int, predicate: str) -> Iterator[Statement]:
        """Read "You like Tor?", "if she were in love with him"."""
        s, before, behind = self._s, self._before(at, 4), self._spots.get(end)
        own = s.lows[at] in ("my", "your")
        if own and at in self._spots:
            before = [(at, self._spots[at].who)]
        if not before or behind is None or behind.who == WE or s.low(end) in _OWNS:
            return
        between = s.lows[before[0][0] + 1 : at]
        helped = all(w in _HELPING or w in self._g.adverbs or w.endswith("ly") for w in between)
        if not helped or s.low(behind.end) in ("'s", "to"):
            return
        for who in self._each(before[0][1])[:1]:
            if who != behind.who:
                yield self._state(who, behind.who, predicate, before[0][0], behind.end)

    def _kin(self, at: int, kin: Kin, *, several: bool) -> Iterator[Statement]:
        """Read "are you my sister or not", "a friend of Bo's", "Ada, Tor's ex-wife"."""
        s = self._s
        start, owner, end = self._owner(at)
        if owner is None:
            return
        other: Mention | None = None
        place = end + (s.low(end) == ",")
        name = self._spots.get(place) if s.capital(place) and s.low(place) != "i" else None
        if name is not None and end == at + 1 and not several:
            other, end = name.who, name.end
        else:
            before = self._before(start, 6)
            if before and self._is(before[0][0], start):
                other, start = before[0][1], before[0][0]
        if other is None or (other == WE) != several:
            return
        work = None if several or kin.ended else self._g.jobs.match(s.lows, at)
        for who in self._each(other):
            if who == owner:
                continue
            yield self._state(who, owner, kin.predicate, start, end, over=kin.ended)
            if work is not None:
                yield self._works(who, at, work[0], start)

    def _owner(self, at: int) -> tuple[int, Mention | None, int]:
        """Return whose "my best friend", "Tor's friend" at ``at`` is, and the phrase's ends."""
        s, n = self._s, at - 1
        while n >= 0 and at - n < 4 and (s.lows[n] in self._g.modifiers or s.lows[n] == "two"):
            n -= 1
        owner: Mention | None = None
        if n in self._spots and (s.lows[n] in _OWNS or s.lows[n] == "her"):
            owner = self._spots[n].who
        elif s.low(n) == "'s":
            whose = [m for m in range(max(0, n - 2), n) if m in self._spots]
            if whose and self._spots[whose[0]].end == n:
                n, owner = whose[0], self._spots[whose[0]].who
        elif s.low(at + 1) == "of" and at + 2 in self._spots:
            return n, self._spots[at + 2].who, self._spots[at + 2].end
        return n, self._scene.speaker if owner == WE else owner, at + 1

    def _is(self, subject: int, start: int) -> bool:
        """Whether somebody is said, or asked, to be what begins at ``start``."""
        s = self._s
        end = self._spots[subject].end
        beside = s.low(end) == "," and start == end + 1
        asked = s.question and s.low(subject - 1) in _BE
        return beside or asked or not _BE.isdisjoint(s.lows[end:start])

    def _job(self, at: int, end: int) -> Iterator[Statement]:
        """Read "is that why you became a chef", "we're scientists, right?"."""
        s = self._s
        before = self._before(at, 9)
        low = s.low(end)
        if not before or low == "'s" or (low.isalpha() and low not in self._g.sets["boundary"]):
            return
        subject, who = before[0]
        between = s.lows[subject + 1 : at]
        asked = s.question and s.low(subject - 1) in _BE
        several = who == WE
        if (_BECOMES.isdisjoint(between) and not asked) or not _NOT.isdisjoint(between):
            return
        if not several and _ARTICLES.isdisjoint(between):
            return
        for one in self._each(who):
            yield self._works(one, at, end, subject)

    def _works(self, who: Mention, at: int, end: int, start: int) -> Statement:
        return Statement(
            subject=who, predicate="has_job", value=span_text(self._s, at, end),
            quote=self._quoter.quote(start, end), polarity="suppose", confidence=LIKELY,
        )  # fmt: skip

    def _judged(self) -> Iterator[Statement]:
        """Read "He's so cute", where it is open who he is."""
        for at, spot in self._spots.items():
            low, verb = self._s.lows[at], self._s.low(spot.end)
            if spot.who.speaker or spot.who == WE or low in _NO_SUBJECT:
                continue
            if low == "you" and verb in ("is", "'s", "was"):
                # "Talking to you is great."
                continue
            found = self._opinions.judged(at, spot.end)
            if found is not None:
                good, end = found
                predicate = "speaks_well_of" if good else "speaks_ill_of"
                yield self._state(self._scene.speaker, spot.who, predicate, at, end)

    def _company(self) -> Iterator[Statement]:
        """Read "I don't live here anymore", "I'll tell Mom": of whom they say it to."""
        s, g, you = self._s, self._g, self._present.you
        own = not _FIRST.isdisjoint(s.lows)
        for at in range(len(s)):
            found = g.company.match(s.lows, at)
            wide = g.company_all.match(s.lows, at)
            whom = self._present.near if wide is not None else () if you is None else (you,)
            told = wide or found
            if told is None and self._shares_parent(at):
                told = at + 1, "sibling_of"
            if told is None or not (own or s.lows[at] == "your" or told[1] == "sibling_of"):
                continue
            for who in whom:
                yield self._state(self._scene.speaker, who, told[1], at, told[0], confidence=VAGUE)

    def _shares_parent(self, at: int) -> bool:
        """Whether "Mom" stands for a parent of both: "Don't tell Mom", not "Mom, come here"."""
        s = self._s
        kin = self._g.kin.get(s.lows[at])
        return (
            kin is not None
            and kin.noun in ("mother", "father")
            and s.lows[at] in self._g.sets["own_kin"]
            and at > 0
            and s.capital(at)
            and s.lows[at - 1].isalpha()
            and s.lows[at - 1] not in _ARTICLES | self._g.sets["hails"]
            and s.low(at + 1) not in (",", "!", "?")
        )

    def _state(
        self, subject: Mention, object_: Mention, predicate: str, start: int, end: int,
        *, over: bool = False, confidence: float = LIKELY,
    ) -> Statement:  # fmt: skip
        return Statement(
            subject=subject, predicate=predicate, object=object_,
            quote=self._quoter.quote(start, max(end, start + 1)),
            valid_to=self._now if over else None, polarity="suppose", confidence=confidence,
        )  # fmt: skip
