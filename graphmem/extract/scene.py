"""Who is there while one event is read: the speaker, the addressee, and whom it has named so far.

Does not know grammar. Pronouns and repeated names are resolved within one event only, and only
where a single person or pet fits; who a name means across events is for ``consolidation``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from graphmem.models import EntityKind, Event, Mention


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


@dataclass(slots=True)
class Scene:
    """What has been understood of one event so far."""

    speaker: Mention
    addressee: Mention | None = None
    known: Mapping[str, EntityKind] = field(default_factory=dict[str, EntityKind])
    people: list[Ref] = field(default_factory=list[Ref])
    named: dict[str, Mention] = field(default_factory=dict[str, Mention])
    mentions: dict[tuple[object, ...], Mention] = field(
        default_factory=dict[tuple[object, ...], Mention]
    )
    steps: int = 0
    """Places at which a pattern was tried: the measure of the work done."""

    def note(self, mention: Mention) -> None:
        """Keep a mention, once; a described one replaces the bare name."""
        key = (mention.name, mention.kind, mention.descriptor, mention.possessor, mention.new)
        self.mentions.setdefault(key, mention)

    def meet(self, ref: Ref) -> None:
        """Remember a person or pet for the pronouns that follow."""
        if ref.mention.speaker or ref.mention == self.addressee:
            return
        if ref.mention.name:
            self.named[ref.mention.name.lower()] = ref.mention
        for n, other in enumerate(self.people):
            if other.mention == ref.mention:
                return
            if other.mention.name and other.mention.name == ref.mention.name:
                self.people[n] = replace(
                    ref, gender=other.gender if ref.gender == "u" else ref.gender
                )
                return
        self.people.append(ref)

    def pronoun(self, gender: str) -> Ref | None:
        """Return whom "he" (m) or "she" (f) means, if only one here can be meant."""
        fitting = [r for r in self.people if r.gender in (gender, "u")]
        return fitting[0] if len(fitting) == 1 else None


def authors(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the display names of the people who speak in ``events``, in order."""
    return tuple(dict.fromkeys(e.author.strip() for e in events if e.author and e.author.strip()))


def addressee(event: Event, around: Iterable[Event]) -> Mention | None:
    """Return who "you" is: the other one, where exactly two named people talk and no assistant."""
    events = [*around, event]
    if any(e.role != "user" for e in events):
        return None
    names = authors(events)
    if len(names) != 2 or event.author is None:
        return None
    other = names[1] if names[0] == event.author.strip() else names[0]
    return Mention(name=other, kind="person")
