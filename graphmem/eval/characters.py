"""Whether the same person is one entity and different people are several (B-cubed).

All utterances go through the real store as one user's memory. A gold mention is *found* when the
extractor read it: a first-person word where it read the speaker, a name that it read, or the noun
of a description that it read ("my sister"). Our extractions say what was mentioned, not at which
letter, so the two are matched by their words within one utterance; pronouns of the second and
third person are found by nobody here. Over the mentions found, our entities are compared with the
gold ones, and beside them the trivial rule that equal names are one person. A mention whose entity
is left undecided is a cluster of its own.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from graphmem import ids
from graphmem.eval import agreement, tables
from graphmem.eval.dialogues import Cast, GoldMention
from graphmem.eval.harness import OpenManager, Progress, fill, scope_of, silent
from graphmem.manager import MemoryManager
from graphmem.models import KnownQuery, Mention, Scope

Kind = Literal["first person", "name", "description"]

FIRST_PERSON: Final = frozenset({"i", "me", "my", "mine", "myself"})
_CHUNK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One mention that our extractor read, and whom it was taken to mean."""

    mention: Mention
    entity_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """A gold mention that was found: the three answers to who it is."""

    kind: Kind
    gold: str
    ours: Hashable
    trivial: Hashable
    undecided: bool = False


async def run(
    cast: Cast,
    open_manager: OpenManager,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the figures as a JSON object; see the head of the module."""
    told = progress or silent
    home = scope_of(cast.name, "everybody")
    async with open_manager() as manager:
        told("reading", 0, 1)
        await fill(manager, home, cast.events)
        readings = await readings_of(manager, home, cast)
        model = manager.consolidator.embedder.model_id
    told("done", 1, 1)
    authors = {event.id: event.author or "" for event in cast.events}
    found = [
        aligned
        for number, mention in enumerate(cast.mentions)
        if (
            aligned := align(
                number, mention, readings.get(mention.event_id, ()), authors[mention.event_id]
            )
        )
    ]
    return {
        "dataset": cast.name,
        "utterances": len(cast.events),
        "model": model,
        "gold_mentions": len(cast.mentions),
        "skipped_mentions": cast.skipped,
        "found": len(found),
        "found_share": len(found) / len(cast.mentions) if cast.mentions else 0.0,
        "found_by_kind": _shares(cast.mentions, found),
        "undecided": sum(aligned.undecided for aligned in found),
        "ours": _by_kind(found, lambda a: a.ours),
        "exact_names": _by_kind(found, lambda a: a.trivial),
    }


async def readings_of(
    manager: MemoryManager, home: Scope, cast: Cast
) -> dict[str, tuple[Reading, ...]]:
    """Return what was read of each utterance, by its id, in the order of reading."""
    graph = manager.consolidator.graph
    found: dict[str, list[Reading]] = {}
    episodes = (ids.episode(home.app, home.user, e.session_id, e.id) for e in cast.events)
    while chunk := tuple(islice(episodes, _CHUNK)):
        known = await graph.known(home, KnownQuery(episode_ids=chunk))
        for a in sorted(known.assertions, key=lambda a: (a.seq, a.ordinal)):
            said = found.setdefault(a.event_id, [])
            said.append(Reading(mention=a.statement.subject, entity_id=a.subject_id))
            if a.statement.object is not None:
                said.append(Reading(mention=a.statement.object, entity_id=a.object_id))
    return {event: tuple(said) for event, said in found.items()}


def align(
    number: int, gold: GoldMention, readings: Iterable[Reading], author: str
) -> Aligned | None:
    """Return the gold mention with what we made of it; None if the extractor did not read it.

    Of several readings that fit, a name that is the same wins over one that holds the words, and
    the earlier over the later.
    """
    surface = ids.name_key(gold.surface)
    if surface in FIRST_PERSON:
        fitting = [r for r in readings if r.mention.speaker]
        kind: Kind = "first person"
        trivial = ids.name_key(author)
    else:
        listed = list(readings)
        same = [r for r in listed if r.mention.name and ids.name_key(r.mention.name) == surface]
        part = [r for r in listed if _holds(r.mention.name, surface)]
        described = [
            r for r in listed if not r.mention.name and _is_noun(r.mention.descriptor, surface)
        ]
        fitting = same or part or described
        kind = "name" if same or part else "description"
        trivial = surface
    if not fitting:
        return None
    decided = [r for r in fitting if r.entity_id is not None]
    return Aligned(
        kind=kind,
        gold=gold.entity,
        ours=decided[0].entity_id if decided else ("undecided", number),
        trivial=trivial,
        undecided=not decided,
    )


def _holds(name: str, surface: str) -> bool:
    words = ids.name_key(name).split() if name else []
    return bool(words) and set(surface.split()) <= set(words)


def _is_noun(descriptor: str | None, surface: str) -> bool:
    return descriptor is not None and ids.name_key(descriptor) == surface


def _by_kind(
    found: Sequence[Aligned], cluster: Callable[[Aligned], Hashable]
) -> dict[str, dict[str, float]]:
    def over(part: Sequence[Aligned]) -> dict[str, float]:
        return agreement.b_cubed([cluster(a) for a in part], [a.gold for a in part])

    kinds = sorted({a.kind for a in found})
    return {"all": over(found)} | {
        kind: over([a for a in found if a.kind == kind]) for kind in kinds
    }


def _shares(gold: Sequence[GoldMention], found: Sequence[Aligned]) -> dict[str, int]:
    """Return how many were found per kind, and what the others look like."""
    first = sum(ids.name_key(mention.surface) in FIRST_PERSON for mention in gold)
    kinds = Counter(a.kind for a in found)
    return {
        "first person found": kinds["first person"],
        "first person in gold": first,
        "names found": kinds["name"],
        "descriptions found": kinds["description"],
        "others in gold": len(gold) - first,
    }


def render(figures: Mapping[str, Any]) -> str:
    """Return the figures as text tables."""
    columns = ("n", "clusters", "gold_clusters", "precision", "recall", "f1")
    lines = [
        f"{figures['dataset']}: {figures['utterances']} utterances, model {figures['model']}",
        f"found {figures['found']} of {figures['gold_mentions']} mentions "
        f"({figures['found_share']:.3f}); {figures['skipped_mentions']} of several or of nobody "
        "in particular are left out",
        *tables.counts({f"  {name}": n for name, n in figures["found_by_kind"].items()}),
        f"{figures['undecided']} of those found were left undecided",
    ]
    for part in ("ours", "exact_names"):
        rows = {f"  {name}": row for name, row in figures[part].items()}
        lines += ["", part.replace("_", " "), *tables.table(columns, rows)]
    return "\n".join(lines)
