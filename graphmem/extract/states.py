"""Says what a clause with "be" makes of what it tells: whether it holds, since when, and its quote.

Does not know what is told.
"""

from collections.abc import Sequence
from datetime import datetime

from graphmem.extract.clauses import Clause
from graphmem.extract.dates import Date
from graphmem.extract.scene import Ref
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, Times, as_kind, holding, past_state, statement
from graphmem.extract.values import Object
from graphmem.models import Polarity, Quote, Statement


class StateReader:
    """Reads the state that the "be" clauses of one sentence tell."""

    __slots__ = ("_dates", "_now", "_quoter", "_s")

    def __init__(self, s: Sentence, dates: Sequence[Date], quoter: Quoter, now: datetime) -> None:
        self._s = s
        self._dates = dates
        self._quoter = quoter
        self._now = now

    def dates_of(self, clause: Clause) -> list[Date]:
        """Return the dates that stand in a clause."""
        return [d for d in self._dates if clause.group.end <= d.start < clause.limit]

    def sense(self, clause: Clause, end: int) -> tuple[Polarity, Times] | None:
        """Return polarity and times of a state that "be" tells."""
        group = clause.group
        dates = self.dates_of(clause)
        ended = any(
            word == "anymore" or (word == "any" and self._s.low(n + 1) in ("more", "longer"))
            for n, word in enumerate(self._s.lows[end : end + 3], end)
        )
        if group.negation == "ended" or (group.negation and ended):
            return "end", Times(None, self._now)
        if group.negation:
            never = group.negation == "never" and group.tense != "present"
            return ("deny", Times()) if never or group.tense == "present" else None
        if group.tense in ("past", "used"):
            times = past_state(dates, self._now)
            return ("end", times) if times is not None else None
        if group.tense == "perfect":
            if not any(d.role in ("since", "lasting") for d in dates):
                return None
            return "affirm", holding(dates)
        return "affirm", holding(dates)

    def quote(self, clause: Clause, end: int) -> Quote:
        """Quote the clause up to ``end``, with a date that follows at once."""
        reach = next(
            (d.end for d in self._dates if end <= d.start <= end + 1 and d.start < clause.limit),
            end,
        )
        if "anymore" in self._s.lows[reach : reach + 1]:
            reach += 1
        return self._quoter.quote(clause.opening, max(end, reach))

    def state(
        self,
        clause: Clause,
        subject: Ref,
        predicate: str,
        items: Sequence[Object],
        confidence: float,
    ) -> list[Statement]:
        """State a predicate of a subject, once for each item; nothing where nothing is told."""
        if not items:
            return []
        end = items[-1].end
        sense = self.sense(clause, end)
        if sense is None:
            return []
        polarity, times = sense
        who = subject.mention if subject.kind == "thing" else as_kind(subject.mention, "person")
        return [
            statement(
                who,
                predicate,
                self.quote(clause, end),
                object=item.mention,
                value=item.value,
                polarity=polarity,
                times=times,
                confidence=confidence,
            )
            for item in items
        ]
