"""Relations between people, read from dialogues, against the annotators' (DialogRE).

Every dialogue goes through the real store; what is compared are the facts that come out, current
and ended, by ``MEANT``: which of DialogRE's relations each of our predicates says. A relation
``r(x, y)`` there reads "y is x's r". The task gives the pairs to answer, and a pair is *answered*
when a fact claims a relation for it. **Strict**: a fact's end is called exactly as the argument is
(case and article apart), by its name in the graph or an alias, so that "Speaker 2" must have been
found to be Ines, and the direction is right. Beside it, **names given**: the same with the
annotators' own alternate names joined, which shows what naming the speakers costs. Who a speaker
is (``per:alternate_names``) is scored apart. Claims about pairs that nobody asked about cannot be
judged; they are counted as ``unlisted``, and ``at_least`` is the precision were all of them wrong.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphmem import ids
from graphmem.eval import agreement, tables
from graphmem.eval.dialogues import Dialogue, Pair
from graphmem.eval.harness import (
    OpenManager,
    Progress,
    facts_of,
    fill,
    names_of,
    scope_of,
    silent,
)
from graphmem.manager import MemoryManager
from graphmem.models import Scope

DATASET: Final = "dialogre"
ALTERNATE: Final = "per:alternate_names"

# Each as (relation, whether its x is our object): mother_of(Ann, Bo) says that Ann is Bo's mother,
# so per:parents(Bo, Ann), flipped, and per:children(Ann, Bo), as it stands.
MEANT: Final[Mapping[str, tuple[tuple[str, bool], ...]]] = {
    "mother_of": (("per:parents", True), ("per:children", False)),
    "father_of": (("per:parents", True), ("per:children", False)),
    "child_of": (("per:children", True), ("per:parents", False)),
    "sister_of": (("per:siblings", True), ("per:siblings", False)),
    "brother_of": (("per:siblings", True), ("per:siblings", False)),
    "married_to": (("per:spouse", True), ("per:spouse", False)),
    "engaged_to": (("per:girl/boyfriend", True), ("per:girl/boyfriend", False)),
    "partner_of": (("per:girl/boyfriend", True), ("per:girl/boyfriend", False)),
    "relative_of": (("per:other_family", True), ("per:other_family", False)),
    "friend_of": (("per:friends", True), ("per:friends", False)),
    "roommate_of": (("per:roommate", True), ("per:roommate", False)),
    "neighbor_of": (("per:neighbor", True), ("per:neighbor", False)),
    "manager_of": (("per:boss", True), ("per:subordinate", False)),
    "pet_of": (("per:pet", True),),
    "has_job": (("per:title", False),),
    "works_at": (
        ("per:employee_or_member_of", False),
        ("org:employees_or_members", True),
        ("per:place_of_work", False),
    ),
    "lives_in": (("per:place_of_residence", False), ("gpe:residents_of_place", True)),
    "born_in": (("per:place_of_birth", False), ("gpe:births_in_place", True)),
    # Not per:origin, which is somebody's people or nation, as in the KBP guidelines behind it.
    "comes_from": (("per:place_of_residence", False), ("gpe:residents_of_place", True)),
    "visited": (("per:visited_place", False), ("gpe:visitors_of_place", True)),
    "studies_at": (("per:schools_attended", False), ("org:students", True)),
    "studies": (("per:major", False),),
    "age": (("per:age", False),),
    "birthday": (("per:date_of_birth", False),),
    "dates": (("per:dates", True), ("per:dates", False)),
    "lives_with": (("per:roommate", True), ("per:roommate", False)),
    "schoolmate_of": (("per:alumni", True), ("per:alumni", False)),
    "works_for": (("per:boss", False), ("per:subordinate", True)),
    # y is x's client: of whoever acts or cares for y.
    "client_of": (("per:client", True),),
    "acts_for": (("per:client", False),),
    "doctor_of": (("per:client", False),),
    "sibling_of": (("per:siblings", True), ("per:siblings", False)),
    "in_love_with": (("per:positive_impression", False),),
    "misses": (("per:positive_impression", False),),
    "speaks_well_of": (("per:positive_impression", False),),
    "speaks_ill_of": (("per:negative_impression", False),),
    "likes": (("per:positive_impression", False),),
    "dislikes": (("per:negative_impression", False),),
}
TYPED: Final[Mapping[str, str]] = {
    "per:employee_or_member_of": "ORG",
    "per:place_of_work": "STRING",
}
"""Of what type y must be, where only that tells two relations apart: a firm, or "the diner"."""

CLAIMED: Final = frozenset(relation for meant in MEANT.values() for relation, _ in meant)

_ARTICLE: Final = re.compile(r"^(?:an?|the|my|your|his|her|our|their)\s+")
_ONES: Final = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_FIGURES: Final = (
    {word: str(n) for n, word in enumerate(_ONES, 1)}
    | {ten: str(10 * n) for n, ten in enumerate(_TENS, 2)}
    | {
        f"{ten}{gap}{one}": str(10 * n + m)
        for n, ten in enumerate(_TENS, 2)
        for m, one in enumerate(_ONES[:9], 1)
        for gap in "- "
    }
)
_SPEAKER: Final = re.compile(r"^speaker \d+$")


@dataclass(frozen=True, slots=True)
class Claim:
    """A relation that a fact states, with all that its ends are called."""

    relation: str
    x: frozenset[str]
    y: frozenset[str]


@dataclass(slots=True)
class Tally:
    """Counts over dialogues, by relation; ``answered`` counts pairs."""

    right: Counter[str] = field(default_factory=Counter[str])
    claimed: Counter[str] = field(default_factory=Counter[str])
    gold: Counter[str] = field(default_factory=Counter[str])
    unlisted: Counter[str] = field(default_factory=Counter[str])
    pairs: int = 0
    answered: int = 0

    def count(self, pairs: Sequence[Pair], claims: Sequence[Claim]) -> None:
        """Take in one dialogue."""
        used: set[Claim] = set()
        for pair in pairs:
            x, y = form(pair.x), form(pair.y)
            said = [
                claim
                for claim in claims
                if x in claim.x
                and y in claim.y
                and TYPED.get(claim.relation, pair.y_type) == pair.y_type
            ]
            used.update(said)
            relations = {claim.relation for claim in said}
            gold = pair.relations - {ALTERNATE}
            self.pairs += 1
            self.answered += bool(relations)
            self.claimed.update(relations)
            self.right.update(relations & gold)
            self.gold.update(gold)
        self.unlisted.update(claim.relation for claim in set(claims) - used)

    def figures(self) -> dict[str, Any]:
        """Return precision, recall and F1 per relation, and over those that can be claimed."""

        def over(relations: Iterable[str]) -> dict[str, float]:
            listed = list(relations)
            right, claimed, gold, unlisted = (
                sum(counts[r] for r in listed)
                for counts in (self.right, self.claimed, self.gold, self.unlisted)
            )
            found = agreement.precision_recall(right=right, claimed=claimed, gold=gold)
            at_least = right / (claimed + unlisted) if right else 0.0
            return found | {"unlisted": unlisted, "at_least": at_least}

        return {
            "pairs": self.pairs,
            "answered": self.answered,
            "relations_claimed": sum(n > 0 for n in self.claimed.values()),
            "claimable": over(CLAIMED),
            "all": over({*self.gold, *CLAIMED}),
            "by_relation": {r: over([r]) for r in sorted({*self.gold, *CLAIMED})},
        }


async def run(
    dialogues: Sequence[Dialogue],
    open_manager: OpenManager,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures as a JSON object; see the head of the module."""
    told = progress or silent
    strict, given, naming = Tally(), Tally(), Naming()
    async with open_manager() as manager:
        for number, dialogue in enumerate(dialogues):
            told(f"reading {dialogue.id}", number, len(dialogues))
            home = scope_of(DATASET, dialogue.id)
            await fill(manager, home, dialogue.events)
            claims = await claims_of(manager, home)
            strict.count(dialogue.pairs, claims)
            given.count(dialogue.pairs, joined(claims, dialogue.pairs))
            naming.count(dialogue.pairs, (await names_of(manager, home)).values())
        model = manager.consolidator.embedder.model_id
    told("done", len(dialogues), len(dialogues))
    return {
        "dataset": DATASET,
        "dialogues": len(dialogues),
        "model": model,
        "strict": strict.figures(),
        "names_given": given.figures(),
        "speakers": naming.figures(),
    }


# --------------------------------------------------------------------------- claims


def form(name: str) -> str:
    """Return the form in which an argument and the end of a fact are compared.

    Without the point of an abbreviation ("Mr."), and ages in figures: how they are written is not
    what is asked.
    """
    bare = _ARTICLE.sub("", ids.name_key(name)).replace(". ", " ")
    return _FIGURES.get(bare, bare)


async def claims_of(manager: MemoryManager, home: Scope) -> list[Claim]:
    """Return what the facts of one dialogue claim, each relation in its direction."""
    names = await names_of(manager, home)
    found: list[Claim] = []
    for fact in await facts_of(manager, home):
        subject = _forms(names.get(fact.subject_id, ()))
        object_ = _forms(names.get(fact.object_id, ()) if fact.object_id else (fact.value or "",))
        for relation, flipped in MEANT.get(fact.predicate, ()):
            x, y = (object_, subject) if flipped else (subject, object_)
            found.append(Claim(relation, x, y))
    return found


def _forms(names: Iterable[str]) -> frozenset[str]:
    return frozenset(form(name) for name in names if name)


def joined(claims: Sequence[Claim], pairs: Sequence[Pair]) -> list[Claim]:
    """Return the claims with the names that the annotators gave the same person joined."""
    groups: dict[str, frozenset[str]] = {}
    for pair in pairs:
        if ALTERNATE in pair.relations:
            x, y = form(pair.x), form(pair.y)
            group = groups.get(x, frozenset({x})) | groups.get(y, frozenset({y}))
            groups.update(dict.fromkeys(group, group))

    def wider(names: frozenset[str]) -> frozenset[str]:
        return names.union(*(groups.get(name, frozenset()) for name in names))

    return [Claim(claim.relation, wider(claim.x), wider(claim.y)) for claim in claims]


# --------------------------------------------------------------------------- speakers


@dataclass(slots=True)
class Naming:
    """What speakers are called: names that the graph found for them, against the annotators'.

    Only names of people count as gold, not what somebody is addressed as ("man").
    """

    speakers: int = 0
    named: int = 0
    right_speakers: int = 0
    right: int = 0
    claimed: int = 0
    gold: int = 0

    def count(self, pairs: Sequence[Pair], entities: Iterable[Sequence[str]]) -> None:
        """Take in one dialogue, whose entities have these names."""
        gold: dict[str, set[str]] = {}
        for pair in pairs:
            if ALTERNATE in pair.relations and pair.y_type == "PER":
                for speaker, name in _speaker_first(pair):
                    gold.setdefault(speaker, set()).add(name)
        found: dict[str, set[str]] = {}
        for names in entities:
            forms = _forms(names)
            for speaker in filter(_SPEAKER.match, forms):
                found.setdefault(speaker, set()).update(
                    name for name in forms if not _SPEAKER.match(name)
                )
        for speaker, names in gold.items():
            ours = found.get(speaker, set[str]())
            self.speakers += 1
            self.named += bool(ours)
            self.right_speakers += bool(ours & names)
            self.gold += len(names)
        for speaker, ours in found.items():
            self.claimed += len(ours)
            self.right += len(ours & gold.get(speaker, set[str]()))

    def figures(self) -> dict[str, float]:
        return {
            "speakers": self.speakers,
            "named": self.named,
            "named_right": self.right_speakers,
        } | agreement.precision_recall(right=self.right, claimed=self.claimed, gold=self.gold)


def _speaker_first(pair: Pair) -> Iterator[tuple[str, str]]:
    x, y = form(pair.x), form(pair.y)
    if _SPEAKER.match(x) and not _SPEAKER.match(y):
        yield x, y
    elif _SPEAKER.match(y) and not _SPEAKER.match(x):
        yield y, x


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables."""
    columns = ("right", "claimed", "gold", "precision", "recall", "f1", "unlisted", "at_least")
    lines = [f"{figures['dataset']}: {figures['dialogues']} dialogues, model {figures['model']}"]
    for part in ("strict", "names_given"):
        found = figures[part]
        lines += [
            "",
            f"{part.replace('_', ' ')}: {found['answered']} of {found['pairs']} pairs answered, "
            f"{found['relations_claimed']} relations claimed",
            *tables.table(
                columns,
                {"all relations": found["all"], "those we can claim": found["claimable"]}
                | {f"  {name}": row for name, row in found["by_relation"].items()},
            ),
        ]
    return "\n".join([*lines, "", "who a speaker is", *tables.counts(figures["speakers"])])
