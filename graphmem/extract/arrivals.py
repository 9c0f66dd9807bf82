"""Reads who or what is announced before it has a name: "New flatmate!", "there's a tortoise".

Does not know verbs: what the next words tell of "he" or "her" is for the other readers.
"""

from graphmem.extract.lexicon import Grammar
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.models import Mention


class ArrivalReader:
    """Reads the announcements in sentences of one event."""

    __slots__ = ("_g", "_scene")

    def __init__(self, grammar: Grammar, scene: Scene) -> None:
        self._g = grammar
        self._scene = scene

    def there(self, s: Sentence, i: int) -> Ref | None:
        """Read "there's a tortoise in our yard" from "a" on."""
        copula = i - 1 - (s.low(i - 1) == "now")
        if i < 2 or s.low(copula) not in ("is", "'s") or s.low(copula - 1) != "there":
            return None
        at = i + 1
        while s.low(at) in self._g.modifiers and at - i < 4:
            at += 1
        found = self._g.pets.match(s.lows, at)
        if found is None:
            return None
        mention = Mention(name="", kind="thing", descriptor=found[1], possessor="")
        return Ref(mention=mention, start=i, end=found[0], kind="thing", definite=True)

    def fresh(self, s: Sentence, i: int) -> Ref | None:
        """Read "New flatmate!": whoever that is takes over from the one before."""
        kin = self._g.kin.get(s.low(i + 1))
        if i > 0 or kin is None or s.low(i + 2) not in ("!", ".", "", ":", "alert"):
            return None
        mention = Mention(name="", kind="person", descriptor=kin.noun, possessor="")
        self._scene.newcomers.add(mention)
        return Ref(mention=mention, start=i, end=i + 2, gender=kin.gender, kind="person")

    def someone(self, s: Sentence, i: int) -> Ref | None:
        """Read "(I'm seeing) someone"."""
        at = i - 2 - (s.low(i - 2) in ("been", "actually", "now"))
        if i < 3 or s.low(i - 1) not in ("seeing", "dating") or s.low(at - 1) != "i":
            return None
        if s.low(i + 1)[:1].isalnum() and s.low(i + 1) not in ("now", "new", "and", "lovely"):
            # "… someone about my knee" is a doctor.
            return None
        mention = Mention(name="", kind="person", descriptor="sweetheart", possessor="")
        return Ref(mention=mention, start=i, end=i + 1, kind="person", role="object")
