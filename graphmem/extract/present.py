"""Finds whom the words of a sentence may mean, where the strict reading leaves it open.

"You" among several is whoever spoke last, "he" the last one spoken of who may be a man, or the only
other one there. Right more often than not and no more: for what is supposed, never for what is
stated. Does not know verbs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from graphmem.extract.addresses import AddressReader
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import NameReader
from graphmem.extract.nouns import Nouns
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.statements import as_kind
from graphmem.models import Mention

_ME: Final = frozenset({"i", "me", "my", "mine", "myself"})
_US: Final = frozenset({"we", "us", "our", "ourselves"})
_YOU: Final = frozenset({"you", "your", "yours", "yourself"})
_HE: Final = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f"}
WE: Final = Mention(name="\x02", kind="person")
"""The speaker and whoever is spoken to."""


@dataclass(frozen=True, slots=True)
class Present:
    """Who is there while a turn is read, but for its speaker.

    ``you`` is whoever seems to be spoken to, ``third`` the only other one, ``near`` those of the
    last turns.
    """

    you: Mention | None
    third: Mention | None
    near: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """Somebody who may be meant at a token; ``end`` is the token behind."""

    who: Mention
    end: int


def spots(
    grammar: Grammar, scene: Scene, s: Sentence, nouns: Nouns, names: NameReader, present: Present
) -> Mapping[int, Spot]:  # fmt: skip
    """Return who may be meant where, by first token, in order. O(tokens).

    Who is called by name is spoken to, not spoken of, and stands nowhere.
    """
    calls = AddressReader(grammar, s, names).read()
    called = {i for c in calls if c.kind == "name" for i in range(c.start, c.end)}
    found: dict[int, Spot] = {}
    for i, low in enumerate(s.lows):
        if low in _ME:
            found[i] = Spot(scene.speaker, i + 1)
        elif low in _US:
            found[i] = Spot(WE, i + 1)
        elif low in _YOU and present.you is not None:
            found[i] = Spot(present.you, i + 1)
        elif low in _HE:
            who = _he(i, _HE[low], scene, nouns) or present.third
            if who is not None:
                found[i] = Spot(who, i + 1)
        else:
            ref = nouns.refs.get(i)
            if ref is not None and _named(ref) and s.capital(i) and i not in called:
                found[i] = Spot(as_kind(ref.mention, "person"), ref.end)
    return found


def _named(ref: Ref) -> bool:
    somebody = ref.kind == "person" or (ref.kind is None and ref.mention.kind == "person")
    unknown = ref.kind is None and ref.mention.kind == "thing" and ref.mention.descriptor is None
    return bool(ref.mention.name) and not ref.mention.speaker and (somebody or unknown)


def _he(i: int, gender: str, scene: Scene, nouns: Nouns) -> Mention | None:
    ref = nouns.refs.get(i)
    if ref is not None and ref.kind == "person" and ref.mention.name and not ref.mention.speaker:
        return ref.mention
    owner = nouns.owners.get(i)
    if owner is not None and owner.name and not owner.speaker:
        return owner
    return next((r.mention for r in _spoken_of(scene) if r.gender in (gender, "u")), None)


def _spoken_of(scene: Scene) -> Iterator[Ref]:
    """Yield the people with names who have been spoken of, the last first."""
    for refs in (scene.people[::-1], *scene.carried()):
        for ref in refs:
            if ref.mention.name and ref.kind == "person":
                yield ref
