"""What a question says beside a name to tell its bearer from others of that name.

"My landlady Priya", "Minji from the ballet class", "Youssef the guitarist": who tells of them says
it much the same way, so an episode in which the name and such a word stand close together is about
that bearer. Closeness of terms as in sequential dependence models (Metzler and Croft, *A Markov
Random Field Model for Term Dependencies*, SIGIR 2005, unordered windows), for names only.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from graphmem.retrieval.query import OPENERS, Epithet, is_named
from graphmem.retrieval.text import QUESTION, STOP, analyse

REACH: Final = 5
"""How many terms the name and the word beside it may be apart."""

_BEFORE: Final = 3
_AFTER: Final = 2  # words on this side of a name; the verb is not far
_TOKEN: Final = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*|[,.;:?!]")
# Not "the": "the budget Alexis and I agreed on" is no budget called Alexis.
_DETERMINERS: Final = frozenset({"my", "our", "his", "her", "their", "your"})
_OPENS: Final = frozenset({"from", "the", "my", "our"})
_LIGHT: Final = STOP | QUESTION | OPENERS


def epithets(question: str) -> tuple[Epithet, ...]:
    """Return the names of a question that have a word of their own beside them."""
    tokens = _TOKEN.findall(question)
    found: list[Epithet] = []
    i = 0
    while i < len(tokens):
        first = i
        while i < len(tokens) and is_named(tokens[i], first=i == 0):
            i += 1
        if i == first:
            i += 1
            continue
        name = analyse(" ".join(tokens[first:i]))
        beside = (*_before(tokens, first), *_after(tokens, i))
        words = frozenset(analyse(" ".join(beside))) - STOP - frozenset(name)
        if name and words:
            found.append(Epithet(name, words))
    return tuple(found)


def beside(epithet: Epithet, terms: Sequence[str]) -> float:
    """Return which part of an epithet's words stands close to its name in a text, 0 to 1.

    The nearest to one occurrence of the name counts; ``terms`` are a text's in their order.
    """
    size = len(epithet.name)
    best = 0
    for at in range(len(terms) - size + 1):
        if tuple(terms[at : at + size]) == epithet.name:
            near = terms[max(0, at - REACH) : at + size + REACH]
            best = max(best, len(epithet.words.intersection(near)))
    return best / len(epithet.words)


def _before(tokens: Sequence[str], i: int) -> Iterator[str]:
    """Yield the words between a determiner or a possessor and the name."""
    taken: list[str] = []
    for token in reversed(tokens[max(0, i - _BEFORE - 1) : i]):
        low = token.casefold()
        if low in _DETERMINERS or _possessive(low):
            yield from (*taken, token)
            return
        if low in _LIGHT or not token[0].isalnum():
            return
        taken.append(token)


def _after(tokens: Sequence[str], i: int) -> Iterator[str]:
    """Yield the words of what follows a name as "from the …" or ", the …"."""
    if i < len(tokens) and tokens[i] == ",":
        i += 1
    if i >= len(tokens) or tokens[i].casefold() not in _OPENS:
        return
    taken = 0
    for token in tokens[i : i + 2 * _AFTER]:
        low = token.casefold()
        if low in _OPENS:
            continue
        if not token[0].isalnum() or low in _LIGHT or taken == _AFTER:
            return
        taken += 1
        yield token


def _possessive(word: str) -> bool:
    return word.endswith(("'s", "\u2019s"))
