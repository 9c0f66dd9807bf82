"""Reads what stands after a verb, by type: places, employers, schools, people, and values.

Does not know which verb, nor what values look like (``values.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graphmem.extract.dates import Date
from graphmem.extract.lexicon import Grammar
from graphmem.extract.names import Name, NameReader
from graphmem.extract.scene import Ref, Scene
from graphmem.extract.sentences import Sentence
from graphmem.extract.values import Object, ValueReader
from graphmem.models import Mention


class ObjectReader:
    """Reads the objects of one sentence by the types that frames name."""

    __slots__ = ("_dated", "_g", "_names", "_readers", "_refs", "_s", "_scene", "values")

    def __init__(
        self, grammar: Grammar, scene: Scene, s: Sentence, refs: Mapping[int, Ref],
        names: NameReader, dates: Sequence[Date],
    ) -> None:  # fmt: skip
        self._g = grammar
        self._scene = scene
        self._s = s
        self._refs = refs
        self._names = names
        self.values = ValueReader(grammar, s, refs, dates)
        self._dated = {d.start for d in dates}
        self._readers: Mapping[str, Callable[[int], Sequence[Object]]] = {
            "place": self._place,
            "knownplace": self._known_place,
            "organization": self._organization,
            "school": self._school,
            "person": self._person,
            "anyjob": self.values.any_job,
            "job": self.values.job,
            "diet": lambda i: self.values.word(self._g.diets, i),
            "language": lambda i: self.values.words(self._g.languages, i),
            "hobby": self.values.hobby,
            "study": self.values.study,
            "like": self.values.likes,
            "preferred": self.values.preferred,
            "date": self.values.date,
            "nothing": lambda i: (Object(i),) if self.values.ends(i) else (),
            "food": self.values.foods,
            "clause": self.values.clause,
        }

    def read(self, kind: str, i: int) -> Sequence[Object]:
        """Return the objects of a type that begin at ``i``: none, one, or a list's."""
        reader = self._readers.get(kind)
        if reader is None or (i >= len(self._s) and kind != "nothing"):
            return ()
        return reader(i)

    # ------------------------------------------------------------------ names

    def _place(self, i: int) -> Sequence[Object]:
        s = self._s
        found = self._names.place(s, i, cued=True)
        if found is None:
            at = i + (s.low(i) == "the")
            run = self._names.name(s, at)
            if run is None or run.kind not in (None, "place") or s.low(run.end) == "'s":
                return ()
            if at in self._dated or s.lows[at] in self._g.given or run.text.isdecimal():
                return ()
            known = self._scene.named.get(run.text.lower())
            if known is not None and known.kind == "person":
                return ()
            found = run
        end = found.end
        if s.low(end) == "'s":
            return ()
        if s.low(end) == ",":
            wider = self._names.place(s, end + 1, cued=True)
            end = wider.end if wider is not None and s.capital(end + 1) else end
        return (Object(end, Mention(name=found.text, kind="place")),)

    def _known_place(self, i: int) -> Sequence[Object]:
        found = self._names.place(self._s, i, cued=True)
        if found is None or self._s.low(found.end) == "'s":
            return ()
        return (Object(found.end, Mention(name=found.text, kind="place")),)

    def _org_name(self, i: int) -> Name | None:
        s = self._s
        at = i + (s.low(i) == "the")
        name = self._names.name(s, at)
        if name is None:
            found = self._g.orgs.match(s.lows, i)
            if found is None or s.lows[i] in self._g.org_ambiguous:
                return None
            name = Name(found[0], found[1], "organization")
        if name.kind == "person" or (name.kind == "place" and name.end - at == 1):
            return None
        if s.low(name.end) == "'s":
            # A shop's own name ("Nando's"), unless something of its follows.
            if not self.values.ends(name.end + 1):
                return None
            name = replace(name, end=name.end + 1, text=name.text + "'s")
        known = self._scene.named.get(name.text.lower())
        return (
            None
            if known is not None and known.kind != "organization" and known.descriptor
            else name
        )

    def _organization(self, i: int) -> Sequence[Object]:
        name = self._org_name(i)
        if name is None or name.kind == "place":
            return ()
        return (
            Object(name.end, Mention(name=name.text, kind="organization"), noun=name.kind or ""),
        )

    def _school(self, i: int) -> Sequence[Object]:
        name = self._org_name(i)
        if name is None or name.kind != "organization":
            return ()
        words = name.text.lower().split()
        if not self._g.sets["schools"].intersection(words):
            return ()
        return (Object(name.end, Mention(name=name.text, kind="organization")),)

    def _person(self, i: int) -> Sequence[Object]:
        ref = self._refs.get(i)
        if (
            ref is not None
            and ref.kind in ("person", None)
            and not ref.definite
            and ref.role != "subject"
        ):
            if ref.kind is None and self._g.languages.match(self._s.lows, i):
                return ()
            if self._s.low(ref.end) == "'s":
                return ()
            mention = ref.mention if ref.kind == "person" else replace(ref.mention, kind="person")
            return (Object(ref.end, mention),)
        name = self._names.person(self._s, i, strong=True)
        if name is None or self._s.low(name.end) == "'s":
            return ()
        return (Object(name.end, Mention(name=name.text, kind="person")),)
