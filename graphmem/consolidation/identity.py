"""Who is meant: from the mentions of a text to the entities of a scope.

Resolution is causal: a mention is decided by what stood before it in the log, never by what
comes after, so running through the log again decides the same. Only a merge reaches back: it says
that two were one all along, and is undone by leaving it out. The rules, in order: the first person
is the speaker; a relation ("my sister") names whoever bears it; a name goes to the one compatible
bearer, to a pet if no person bears it; a relation that contradicts every bearer makes a namesake; a
bare name borne by several goes to the one last spoken of in the same event, else it is left
undecided: what other events said last would depend on where batches are cut. Never on similarity.
Does not know facts, slots or stores.

Theory: blocking and deterministic rules as in Christen, *Data Matching* (2012), chapters 4 to 6;
we trade recall for never joining two people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from graphmem import ids
from graphmem.models import Entity, Mention, Scope

# Relations that set people apart: two bearers of one name whose relations stand in different
# groups, or are different relations of the first group, are two people.
_GROUPS: Final[Mapping[str, str]] = {
    word: group
    for group, words in {
        "kin": "sister brother mother father mum mom dad daughter son aunt uncle cousin niece "
        "nephew grandmother grandfather grandma grandpa wife husband spouse fiancé fiancée "
        "partner girlfriend boyfriend twin stepmother stepfather stepsister stepbrother",
        "work": "colleague coworker co-worker boss manager client customer employee intern "
        "supervisor assistant teammate",
        "pet": "dog cat puppy kitten parrot rabbit hamster horse turtle fish bird",
        "place": "neighbour neighbor landlord landlady roommate flatmate housemate",
        "care": "doctor dentist therapist nurse vet teacher professor coach tutor trainer",
    }.items()
    for word in words.split()
}
_EXCLUSIVE: Final = frozenset({"kin", "pet"})
# What tells a bearer of a name from another begins with one of these: "from choir", "the dentist".
_EPITHETS: Final = frozenset({"from", "in", "at", "the"})
_FRIENDS: Final = frozenset({"friend", "schoolfriend", "schoolmate"})
_SAME: Final[Mapping[str, str]] = {
    "mum": "mother", "mom": "mother", "dad": "father", "co-worker": "colleague",
    "coworker": "colleague", "teammate": "colleague", "neighbor": "neighbour",
    "puppy": "dog", "kitten": "cat", "grandma": "grandmother", "grandpa": "grandfather",
    "boss": "manager", "supervisor": "manager",
}  # fmt: skip


def descriptor_key(descriptor: str, possessor_id: str) -> str:
    """Return the key of "the <descriptor> of <possessor>"."""
    word = ids.name_key(descriptor)
    return f"{_SAME.get(word, word)}@{possessor_id}"


def clash(one: str, other: str) -> bool:
    """Return whether two descriptor keys cannot be said of one and the same."""
    (a, whose_a), (b, whose_b) = one.split("@", 1), other.split("@", 1)
    if a == b or whose_a != whose_b:
        return False
    told_a, told_b = _epithet(a), _epithet(b)
    if told_a or told_b:
        return _told_apart(a, b, told_a, told_b)
    group_a, group_b = _GROUPS.get(a), _GROUPS.get(b)
    if group_a is None or group_b is None:
        return False
    return group_a != group_b or group_a in _EXCLUSIVE


def _epithet(word: str) -> frozenset[str]:
    """Return the words of an epithet, none where a descriptor is a relation's noun."""
    first, *rest = word.split() or [""]
    return frozenset(rest) if first in _EPITHETS else frozenset()


def _told_apart(a: str, b: str, told_a: frozenset[str], told_b: frozenset[str]) -> bool:
    """Return whether an epithet and another descriptor are of two people.

    Whoever adds "from the choir" to a name tells its bearer from the others; "the dentist" may
    still be "my dentist", and whoever is from the class may be from the ballet class.
    """
    if told_a and told_b:
        return not (told_a <= told_b or told_b <= told_a)
    relation, told = (b, told_a) if told_a else (a, told_b)
    return relation not in told and (relation in _GROUPS or relation in _FRIENDS)


def _is_pet(entity: Entity) -> bool:
    """Return whether an entity came as somebody's pet: by its bare name it reads as a person."""
    words = (key.partition("@")[0] for key in entity.descriptors)
    return entity.kind == "thing" and any(_GROUPS.get(word) == "pet" for word in words)


def compatible_kinds(one: str, other: str) -> bool:
    """Return whether a name of one kind may mean an entity of the other."""
    return one == other or {one, other} <= {"organization", "place", "concept", "thing", "event"}


@dataclass(slots=True)
class Resolver:
    """Decides mentions in the order of the log, over the entities known before them.

    ``entities`` is what is known by id and grows; ``touched`` names those that changed, ``merged``
    those that were found to be another, ``looked`` the identity keys by which was decided: who
    bears one must be known. When an entity was first and last spoken of is for the caller, who
    knows which assertions link to it.
    """

    scope: Scope
    entities: dict[str, Entity] = field(default_factory=dict[str, Entity])
    touched: set[str] = field(default_factory=set[str])
    merged: set[str] = field(default_factory=set[str])
    looked: set[str] = field(default_factory=set[str])
    _names: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _recent: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _new: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _awaited: list[tuple[str, str, datetime]] = field(
        default_factory=list[tuple[str, str, datetime]]
    )

    def learn(self, entities: Iterable[Entity]) -> None:
        """Take in entities that the graph knows, in the order of their ids."""
        for entity in sorted(entities, key=lambda e: e.id):
            self.entities[entity.id] = entity
            for name in names_of(entity):
                self._index(name, entity.id)

    def _index(self, name: str, entity_id: str) -> None:
        bearers = self._names.setdefault(name, [])
        if entity_id not in bearers:
            bearers.append(entity_id)

    def _bearers(self, *names: str) -> list[str]:
        """Return who bears one of these keys, merged ones as whom they were found to be."""
        self.looked.update(names)
        found = (self.canonical(b) for name in names for b in self._names.get(name, []))
        return list(dict.fromkeys(found))

    def canonical(self, entity_id: str) -> str:
        """Return whom an entity was found to be; most are themselves."""
        entity = self.entities.get(entity_id)
        return entity.same_as if entity is not None and entity.same_as else entity_id

    def speaker(self, author: str | None, at: datetime) -> str:
        """Return the id of whoever speaks: by name, or as the scope's user."""
        key = ids.name_key(author) if author else ids.SPEAKER
        found = ids.entity(self.scope.key, key)
        self.looked.add(key)
        if found not in self.entities:
            self._create(key, author or "user", "person", at)
        return self.canonical(found)

    def resolve(
        self, mention: Mention, *, author: str | None, event: str, at: datetime
    ) -> str | None:
        """Return the entity that is meant, made if nobody fits; None where it is undecided."""
        if mention.speaker:
            return self.speaker(author, at)
        relations: tuple[str, ...] = ()
        if mention.descriptor:
            whose = self._possessor(mention, author=author, event=event, at=at)
            if whose is None:
                return None
            relations = tuple(descriptor_key(mention.descriptor, w) for w in self._one(whose))
        found = (
            self._by_name(mention, relations, event, at)
            if mention.name
            else self._by_relation(mention, relations, author, at)
        )
        if found is None:
            return None
        found = self.canonical(found)
        self._recent[event, ids.name_key(mention.name) or "".join(relations[:1])] = found
        self._describe(found, relations)
        return found

    def rename(self, entity_id: str, name: str) -> None:
        """Make ``name`` what the entity is called; the old name stays an alias."""
        entity = self.entities[entity_id]
        if entity.name == name:
            return
        aliases = tuple(dict.fromkeys(a for a in (*entity.aliases, entity.name) if a != name))
        self.entities[entity_id] = replace(entity, name=name, aliases=aliases)
        self.touched.add(entity_id)
        self._index(ids.name_key(name), entity_id)

    def merge(self, keep: str, other: str, at: datetime) -> None:
        """Make ``other`` one with ``keep``, as soon as both are known.

        The names and relations of the other become ``keep``'s; its entity stays as a trail.
        """
        if keep not in self.entities or other not in self.entities:
            self._awaited.append((keep, other, at))
            return
        keep, other = self.canonical(keep), self.canonical(other)
        if keep == other:
            return
        one, gone = self.entities[keep], self.entities[other]
        aliases = dict.fromkeys((*one.aliases, gone.name, *gone.aliases))
        aliases.pop(one.name, None)
        relations = dict.fromkeys((*one.descriptors, *gone.descriptors))
        self.entities[keep] = replace(one, aliases=tuple(aliases), descriptors=tuple(relations))
        self.entities[other] = replace(gone, same_as=keep, created_at=at, updated_at=at)
        for entity in [e for e in self.entities.values() if e.same_as == other]:
            self.entities[entity.id] = replace(entity, same_as=keep)
            self.touched.add(entity.id)
        self.touched |= {keep, other}
        self.merged.add(other)
        for name in names_of(self.entities[keep]):
            self._index(name, keep)

    def _one(self, entity_id: str) -> list[str]:
        """Return an entity and all that were found to be it, itself first."""
        found = [e.id for e in self.entities.values() if e.same_as == entity_id]
        return [entity_id, *sorted(found)]

    # the rules ------------------------------------------------------------------------------

    def _possessor(
        self, mention: Mention, *, author: str | None, event: str, at: datetime
    ) -> str | None:
        if not mention.possessor:
            return self.speaker(author, at)
        whose = Mention(name=mention.possessor, kind="person")
        return self.resolve(whose, author=author, event=event, at=at)

    def _by_relation(
        self, mention: Mention, relations: Sequence[str], author: str | None, at: datetime
    ) -> str | None:
        if not relations:
            return None
        bearers = self._bearers(*relations)
        if len(bearers) > 1:
            return None
        if bearers:
            return bearers[0]
        # Called after whom the text names, not after what that one is called by now: the log run
        # through again must say the same.
        whose = mention.possessor or author or "user"
        return self._create(relations[0], f"{whose}'s {mention.descriptor}", mention.kind, at)

    def _by_name(
        self, mention: Mention, relations: Sequence[str], event: str, at: datetime
    ) -> str | None:
        name = ids.name_key(mention.name)
        bearers = [
            b for b in self._bearers(name) if compatible_kinds(self.entities[b].kind, mention.kind)
        ]
        if mention.new:
            # One namesake per event: it is spoken of in a mention and in every statement.
            if (event, name) not in self._new:
                self._new[event, name] = self._namesake(name, mention, relations, at)
            return self.canonical(self._new[event, name])
        if not relations:
            if not bearers and mention.kind == "person":
                bearers = [b for b in self._bearers(name) if _is_pet(self.entities[b])]
            if len(bearers) <= 1:
                return bearers[0] if bearers else self._named(name, mention, at)
            return self._last(event, name)
        for bearer in bearers:
            if {*relations} & {*self.entities[bearer].descriptors}:
                return bearer
        fitting = [
            b
            for b in bearers
            if not any(clash(r, d) for r in relations for d in self.entities[b].descriptors)
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            return self._last(event, name)
        nameless = [b for b in self._bearers(*relations) if self.entities[b].key in relations]
        if not bearers and len(nameless) == 1 and not self.entities[nameless[0]].aliases:
            self.rename(nameless[0], mention.name)
            return nameless[0]
        return self._namesake(name, mention, relations, at)

    def _last(self, event: str, name: str) -> str | None:
        """Return of whom the same event spoke last by this name."""
        found = self._recent.get((event, name))
        return self.canonical(found) if found is not None else None

    def _namesake(self, name: str, mention: Mention, relations: Sequence[str], at: datetime) -> str:
        """Make a bearer of the name who is nobody known so far."""
        key, n = name, 1
        while ids.entity(self.scope.key, key) in self.entities:
            n += 1
            told = relations[0].split("@", 1)[0] if relations and n == 2 else str(n)
            key = f"{name}#{told}"
        return self._named(key, mention, at)

    # bookkeeping ----------------------------------------------------------------------------

    def _named(self, key: str, mention: Mention, at: datetime) -> str:
        """Make somebody who is called by a name, and by what tells them from namesakes."""
        if not mention.descriptor or not _epithet(ids.name_key(mention.descriptor)):
            return self._create(key, mention.name, mention.kind, at)
        name = f"{mention.name} {mention.descriptor}"
        return self._create(key, name, mention.kind, at, aliases=(mention.name,))

    def _create(
        self, key: str, name: str, kind: str, at: datetime, *, aliases: tuple[str, ...] = ()
    ) -> str:
        entity = Entity(
            id=ids.entity(self.scope.key, key),
            scope=self.scope,
            key=key,
            name=name,
            kind=kind,  # pyright: ignore[reportArgumentType]  # a Mention's kind, passed through
            aliases=aliases,
            created_at=at,
            updated_at=at,
        )
        # A key that is taken by another kind ("Paris" the person, "Paris" the place).
        if entity.id in self.entities:
            return self._create(f"{key}#{kind}", name, kind, at, aliases=aliases)
        self.entities[entity.id] = entity
        self.touched.add(entity.id)
        for known in names_of(entity):
            self._index(known, entity.id)
        awaited, self._awaited = self._awaited, []
        for keep, other, since in awaited:
            self.merge(keep, other, max(since, at))
        return entity.id

    def _describe(self, entity_id: str, relations: Sequence[str]) -> None:
        entity = self.entities[entity_id]
        if relations and not {*relations} & {*entity.descriptors}:
            known = (*entity.descriptors, relations[0])
            self.entities[entity_id] = replace(entity, descriptors=known)
            self.touched.add(entity_id)
            self._index(relations[0], entity_id)


def names_of(entity: Entity) -> tuple[str, ...]:
    """Return every identity key under which this entity can be found."""
    found = [ids.name_key(n) for n in (entity.name, *entity.aliases)]
    return tuple(dict.fromkeys((entity.key, *found, *entity.descriptors)))


def keys_of(mention: Mention, author: str | None, scope: Scope) -> tuple[str, ...]:
    """Return the identity keys that deciding this mention looks up."""
    speaker = ids.name_key(author) if author else ids.SPEAKER
    if mention.speaker:
        return (speaker,)
    found: list[str] = []
    if mention.name:
        found.append(ids.name_key(mention.name))
    if mention.descriptor:
        whose = ids.name_key(mention.possessor) if mention.possessor else speaker
        found += [whose, descriptor_key(mention.descriptor, ids.entity(scope.key, whose))]
    return tuple(dict.fromkeys(found))
