"""Reads what somebody will have no more of: "No more coffee for me", which has no verb.

Does not know verbs. Only known foods, drinks and pastimes are read, and only where it is for good.
"""

from collections.abc import Iterator
from typing import Final

from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import span_text
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import Quoter, Times, statement
from graphmem.models import Mention, Statement

_JUST_NOW: Final = frozenset(
    {"today", "tonight", "thanks", "thank", "please", "until", "till", "this", "now"}
)


def refusals(
    s: Sentence, grammar: Grammar, speaker: Mention, quoter: Quoter, over: Times
) -> Iterator[Statement]:
    """Yield what "no more … for me" states; ``over`` are the times of what ends now."""
    first = int(s.low(0) in ("so", "and", "but", "well", "ok", "okay"))
    first += s.low(first) == ","
    if s.lows[first : first + 2] != ("no", "more") or s.question:
        return
    start = first + 2
    end = start
    while end - start < 3 and s.low(end) != "for":
        end += 1
    if end == start or s.lows[end : end + 2] != ("for", "me"):
        return
    after = s.low(end + 2)
    if (after and after[0].isalnum()) or _JUST_NOW.intersection(s.lows[end + 2 : end + 5]):
        return
    value, head = span_text(s, start, end), s.lows[end - 1]
    quote = quoter.quote(first, end + 2)
    if head in grammar.sets["drinks"]:
        yield statement(speaker, "does_not_drink", quote, value=value, confidence=0.75)
    elif head in grammar.sets["foods"]:
        yield statement(speaker, "does_not_eat", quote, value=value, confidence=0.75)
    elif grammar.hobbies.match(s.lows, start) or grammar.gerunds.match(s.lows, start):
        yield statement(speaker, "hobby", quote, value=value, polarity="end", times=over,
                        confidence=0.75)  # fmt: skip
