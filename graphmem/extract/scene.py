"""Who is there while one event is read: the speaker, the addressee, and whom it has named so far.

Does not know grammar. Pronouns and repeated names are resolved within one event only, and only
where a single person or pet fits; who a name means across events is for ``consolidation``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from graphmem.extract.lexicon import Kin
from graphmem.models import EntityKind, Event, Mention

_REACH: Final = 3
"""Sentences back that a pronoun may reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A noun phrase that names somebody or something, tokens ``start`` to ``end``.

    ``kind`` is empty where the text does not tell. ``role`` says where it may stand: as subject
    ("I"), as object ("me"), or as either. ``definite`` marks "the boat": something that was
    spoken of before, which only a naming may use.
    """

    mention: Mention
    start: int
    end: int
    gender: str = "u"
    kind: EntityKind | None = None
    role: str = "any"
    definite: bool = False
    plural: bool = False
    doubtful: bool = False
    """Whether a pronoun might mean a pet as well: only what people alone do is then read."""
    distinct: str = ""
    """The adjectives of a definite thing: "red" of "the red canoe"."""
    at: int = 0
    """In which sentence of its event it was spoken of last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A relation that introducing somebody states: "my sister Anna", "our boat, the Inez"."""

    mention: Mention
    possessor: Mention
    predicate: str
    noun: str
    start: int
    end: int
    ended: bool = False
    confidence: float = 0.9
    """With the predicate ``has_job`` the noun is what somebody works as; nobody possesses it."""


@dataclass(slots=True)
class Scene:
    """What has been understood of one event so far."""

    speaker: Mention
    addressee: Mention | None = None
    known: Mapping[str, EntityKind] = field(default_factory=dict[str, EntityKind])
    spelling: Callable[[], Mapping[str, str]] = dict[str, str]
    """How organisations of several words are written, by their lower-case names; on demand."""
    people: list[Ref] = field(default_factory=list[Ref])
    named: dict[str, Mention] = field(default_factory=dict[str, Mention])
    mentions: dict[tuple[object, ...], Mention] = field(
        default_factory=dict[tuple[object, ...], Mention]
    )
    at: int = 0
    """Which sentence is being read."""
    pair: tuple[Ref, ...] = ()
    """The last two people who were the subjects of one clause: "they"."""
    named_now: dict[Mention, Mention] = field(default_factory=dict[Mention, Mention])
    """Those of the described ones that the sentence being read has named."""
    borrowed: dict[Mention, Ref] = field(default_factory=dict[Mention, Ref])
    """Whom the pronouns of the sentence being read have brought in from the events before."""
    carried: Callable[[], Sequence[Sequence[Ref]]] = tuple
    """Whom each of the events before spoke of, the last first; asked for only where this one has
    nobody to offer."""
    introducing: tuple[Kin, int] | None = None
    """As whose what people are being introduced, and in which sentence that was said last."""
    told: Callable[[], Mapping[str, Sequence[Mention]]] = dict[str, Sequence[Mention]]
    """The named things and pets that the session told of before, by what they are; on demand."""
    nouns: dict[str, str] = field(default_factory=dict[str, str])
    """What the things are that this event has named, by their lower-case names."""
    newcomers: set[Mention] = field(default_factory=set[Mention])
    """Whom "New flatmate!" has announced: they take over from whoever was that before."""
    steps: int = 0
    """Places at which a pattern was tried: the measure of the work done."""

    def spelt(self, name: str) -> str:
        """Return the longer name that this session has told of an organisation, or the name itself.

        "The bakery" may be "the bakery on Main Street", unless several bakeries were told of.
        """
        low = name.lower()
        spelling = self.spelling()
        if low in spelling or low in self.known:
            return name
        told = [full for key, full in spelling.items() if key.startswith(low + " ")]
        return told[0] if len(told) == 1 else name

    def note(self, mention: Mention) -> None:
        """Keep a mention, once; a described one replaces the bare name."""
        key = (mention.name, mention.kind, mention.descriptor, mention.possessor, mention.new)
        self.mentions.setdefault(key, mention)

    def noun_of(self, name: str) -> str:
        """Return what the thing of this name is, as far as the session has told; else nothing."""
        low = name.lower()
        known = [r.mention for r in self.people if r.mention.name.lower() == low]
        for mention in known:
            if mention.kind == "thing" and mention.descriptor:
                return mention.descriptor.rpartition("'s ")[2]
        if low in self.nouns or not name:
            return self.nouns.get(low, "")
        told = (n for n, found in self.told().items() if any(m.name.lower() == low for m in found))
        return next(told, "")

    def meet(self, ref: Ref) -> None:
        """Remember a person or pet for the pronouns that follow."""
        if ref.mention.speaker or ref.mention == self.addressee:
            return
        if ref.mention.name:
            self.named[ref.mention.name.lower()] = ref.mention
        if ref.at != self.at or ref.doubtful:
            ref = replace(ref, at=self.at, doubtful=False)
        if ref.mention.name and ref.mention.descriptor:
            # "My dad is called Nils": the described one and the named one are one.
            nameless = replace(ref.mention, name="", new=False)
            kept = [r for r in self.people if r.mention != nameless]
            if len(kept) < len(self.people):
                self.people, self.named_now[nameless] = kept, ref.mention
        elif ref.mention.descriptor:
            same = [n for n, r in enumerate(self.people) if _bears(r.mention, ref.mention)]
            if len(same) == 1:
                self.people[same[0]] = replace(self.people[same[0]], at=self.at)
                return
        for n, other in enumerate(self.people):
            if other.mention.name == ref.mention.name and (
                ref.mention.name or other.mention == ref.mention
            ):
                gender = other.gender if ref.gender == "u" else ref.gender
                # Where it was first spoken of in the sentence: a pronoun later on means it still.
                first = other if other.at == self.at else ref
                self.people[n] = replace(ref, gender=gender, start=first.start, end=first.end)
                return
        self.people.append(ref)

    def thing(self, ref: Ref) -> Mention:
        """Return which thing "the red canoe" is: the one spoken of before, or one of that name."""
        if not ref.definite:
            return ref.mention
        noun = ref.mention.descriptor or ""
        if not ref.distinct:
            named = [
                r.mention
                for r in self.people
                if r.kind == "thing" and (r.mention.descriptor or "").rpartition("'s ")[2] == noun
            ]
            before = () if named else self.told().get(noun, ())
            if len(named) == 1 or len(before) == 1:
                return [*named, *before][0]
        name = f"the {ref.distinct} {noun}" if ref.distinct else f"the {noun}"
        return Mention(name=name, kind="thing")

    def pronoun(self, gender: str, before: int) -> Ref | None:
        """Return whom "he" (m), "she" (f) or "it" (t) at token ``before`` means, if only one can.

        Among those of the last sentences, else those of this and the one before, else those whom
        the events before have left.
        """
        near = [
            r
            for r in self.people
            if r.at >= self.at - _REACH
            and (r.at < self.at or r.end <= before or (gender == "t" and r.start == before))
        ]
        last = [r for r in near if r.at >= self.at - 1]
        here = [r for r in last if r.at == self.at]
        found = _only(near, gender) or _only(last, gender) or _only(here, gender)
        if found is None and not any(_fits(r, gender) for r in near):
            for left in self.carried():
                if any(_fits(r, gender) for r in left):
                    found = _only(left, gender)
                    break
            if found is not None:
                self.borrowed[found.mention] = found
        return found

    def alone(self) -> bool:
        """Whether nobody has been spoken of here or in the last two events."""
        near = (*self.people, *(ref for left in self.carried() for ref in left))
        return not any(ref.kind in ("person", None) for ref in near)

    def settle(self) -> None:
        """Count those whom pronouns have brought in from before as spoken of here."""
        for ref in self.borrowed.values():
            self.meet(ref)
        self.borrowed.clear()


def _bears(named: Mention, described: Mention) -> bool:
    """Whether somebody with a name is the one whom a description means."""
    return bool(named.name) and (named.descriptor, named.possessor) == (
        described.descriptor, described.possessor,
    )  # fmt: skip


def _fits(ref: Ref, gender: str) -> bool:
    if gender == "t":
        return ref.kind == "thing"
    return ref.gender in (gender, "u")


def _only(refs: Sequence[Ref], gender: str) -> Ref | None:
    """Return the one that fits: a person before a pet, doubtful where a pet fits as well."""
    fitting = [r for r in refs if _fits(r, gender)]
    if gender == "t" and len(fitting) > 1:
        # "I closed the stall, I have a shop now. It …": what is somebody's is spoken of.
        fitting = [r for r in fitting if r.mention.descriptor] or fitting
    people = [r for r in fitting if r.kind == "person"]
    pets = len(fitting) > len(people)
    exact = [r for r in people if r.gender == gender]
    if len(exact) == 1 and len(people) > 1:
        # "Bo's husband Wit is away. He …": whoever only says whose husband he is, is not meant.
        whose = exact[0].mention.possessor
        people = [r for r in people if not (r.gender == "u" and r.mention.name == whose and whose)]
    if len(people) == 1:
        return replace(people[0], doubtful=pets)
    rest = [r for r in people if r is not exact[0]] if len(exact) == 1 else []
    if rest and all(r.at < exact[0].at or not r.mention.name for r in rest):
        return replace(exact[0], doubtful=len(fitting) > len(people))
    return fitting[0] if len(fitting) == 1 else None


def told_by(mention: Mention, author: str | None) -> Mention | None:
    """Return somebody as another speaker must name them; None where that cannot be said."""
    if mention.speaker:
        return Mention(name=author, kind="person") if author else None
    if mention.descriptor is None or mention.possessor:
        return mention
    if author:
        return replace(mention, possessor=author)
    return replace(mention, descriptor=None, possessor=None) if mention.name else None


def owned(noun: str, owner: Mention) -> tuple[str | None, str | None]:
    """Return the descriptor and possessor of what is an owner's.

    Whoever has no name is described: the son of my neighbour is my "neighbour's son".
    """
    if owner.speaker:
        return noun, ""
    if owner.name:
        return noun, owner.name
    if owner.descriptor is not None and owner.possessor is not None:
        return f"{owner.descriptor}'s {noun}", owner.possessor
    return None, None


def owner_of(mention: Mention, speaker: Mention) -> tuple[str, Mention | None]:
    """Return the noun and the owner that ``owned`` put together."""
    whose, _, noun = (mention.descriptor or "").rpartition("'s ")
    if whose:
        return noun, Mention(name="", kind="person", descriptor=whose, possessor=mention.possessor)
    if mention.possessor == "":
        return noun, speaker
    if mention.possessor:
        return noun, Mention(name=mention.possessor, kind="person")
    return noun, None


def authors(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the display names of the people who speak in ``events``, in order."""
    return tuple(dict.fromkeys(e.author.strip() for e in events if e.author and e.author.strip()))


def addressee(event: Event, around: Iterable[Event]) -> Mention | None:
    """Return who "you" is, where people talk and no assistant: the other one, of two.

    Of more, whoever spoke between this turn and the speaker's last one; else nobody.
    """
    events = [*around, event]
    if any(e.role != "user" for e in events):
        return None
    names = authors(events)
    if len(names) < 2 or event.author is None:
        return None
    me = event.author.strip()
    if len(names) == 2:
        other = names[1] if names[0] == me else names[0]
        return None if "," in other else Mention(name=other, kind="person")
    turns = [(e.author or "").strip() for e in events[-3:]]
    if turns[0] != me or turns[1] in (me, "") or "," in turns[1]:
        return None
    # Among several, whoever has just answered the speaker is meant in seven cases of eight.
    return Mention(name=turns[1], kind="person")
