"""What is drawn beside the memories of a Neo4j database: whether it is as it should be, and anew.

Links, shortcuts, chains, names and what an episode stands for follow from the memories' own
properties, indexes from the schema. It is looked at a page at a time, without a lock; what is amiss
is drawn anew under the locks of the streams that it belongs to, so that no worker writes meanwhile.
Does not know what memories say, and touches nothing that is not labelled ours.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from graphmem.errors import StoreError, StoreUnavailable
from graphmem.graph import neo4j_changes as changes
from graphmem.graph import neo4j_rows as rows
from graphmem.graph import neo4j_schema as schema
from graphmem.graph import rows as values
from graphmem.graph.neo4j_connection import Connection, Work
from graphmem.models import Entity, Episode, Fact, GraphChange, Scope
from graphmem.retrieval.columns import FIXED
from graphmem.times import from_us

Statements = Mapping[str, str]
Row = Sequence[Any]

_PART: Final = 100  # memories drawn anew in one transaction
_DROPPED_AT_ONCE: Final = 10_000
_FACT_AT: Final = 18  # where a fact version's row has its time
_TOLD_SCOPE: Final = FIXED.index("scope_key")
_TOLD_TERMS: Final = FIXED.index("terms")

# What may be amiss: what is said of it, and of its repair.
_AMISS: Final = {
    "names": (
        "entities are not found by their names",
        "entities can be found by their names again",
    ),
    "mentions": (
        "episodes do not point to whom they mention",
        "episodes point to whom they mention",
    ),
    "chain": ("episodes do not lead to the next of their session", "episodes lead to the next one"),
    "holding": (
        "episodes do not know since when what they say has held",
        "episodes know again since when what they say has held",
    ),
    "said": (
        "assertions are not linked to their episode and names",
        "assertions are linked to their episode and names",
    ),
    "episode_texts": (
        "episodes are recalled otherwise than they are",
        "episodes are recalled as they are again",
    ),
    "fact_texts": (
        "fact versions are recalled otherwise than they are",
        "fact versions are recalled as they are again",
    ),
    "links": (
        "fact versions are not linked to the episodes and entities that they name",
        "fact versions are linked to the episodes and entities that they name",
    ),
    "undrawn": (
        "facts that hold are not drawn between their entities",
        "facts that hold are drawn between their entities",
    ),
}
_DROPPED: Final = {
    "shortcuts": "relationships between entities that stood for nothing are gone",
    "bare_names": "names that nobody bore are gone",
    "loose_windows": "vectors that belonged to nothing are gone",
}


Amiss = dict[str, list[Row]]
"""What is amiss in a page, by fault: [id, scope] each, of a fact version with its time."""
Look: TypeAlias = Callable[[Connection, str, dict[str, Any]], Awaitable[Amiss | None]]
"""Returns what is amiss in the next page of a statement, None after the last; moves the keys on."""


# looking


async def complaints(
    connection: Connection, statements: Statements, scopes: Sequence[str] | None
) -> list[str]:
    """Return what is not drawn as it should be, a sentence each."""
    found = Counter[str]()
    async for amiss in _pages(connection, statements, scopes):
        found.update({fault: len(items) for fault, items in amiss.items()})
    return [f"{found[fault]} {said}" for fault, (said, _) in _AMISS.items() if found[fault]]


async def _pages(
    connection: Connection, statements: Statements, scopes: Sequence[str] | None
) -> AsyncIterator[Amiss]:
    """Yield what is amiss page by page; last of episodes, which lean on the links of facts."""
    for name, look in _LOOKS.items():
        for scope in (None,) if scopes is None else scopes:
            keys: dict[str, Any] = {"cursor": "", "since": rows.BEGINNING_AT, "scope": scope}
            keys["forever"] = rows.FOREVER_AT
            statement = statements[f"maintain/{name}{'' if scope is None else '_of'}"]
            while (amiss := await look(connection, statement, keys)) is not None:
                yield amiss


def _by_eye(fault: str, is_right: Callable[..., bool], *, at: int | None = None) -> Look:
    """Look at a page of rows, each with what ``is_right`` compares it with; ``at``: its time."""

    async def look(connection: Connection, statement: str, keys: dict[str, Any]) -> Amiss | None:
        found = (await connection.run(statement, keys))["rows"]
        if not found:
            return None
        last = found[-1][0]
        keys["cursor"] = last[0]
        if at is not None:
            keys["since"] = from_us(last[at])
        amiss = [row for row, *drawn in found if not is_right(row, *drawn)]
        return {fault: [row[:2] if at is None else [*row[:2], row[at]] for row in amiss]}

    return look


async def _others(connection: Connection, statement: str, keys: dict[str, Any]) -> Amiss | None:
    """Return what is amiss in a page of other memories, as the statement tells it."""
    found = dict(await connection.run(statement, keys))
    keys["cursor"] = found.pop("last")
    if keys["cursor"] is None:
        return None
    if "since" in found:
        keys["since"] = from_us(found.pop("since"))
    return found


def _is_told(row: Row, told: str | None, tokens: str | None) -> bool:
    """Return whether ``candidate`` and ``tokens`` say what a memory's other properties say."""
    fact = len(row) > _FACT_AT
    if None in (row[:4] if fact else (*row[:5], row[7], row[8])):
        return True  # it is told of as one that lacks a key
    scopes = {row[1]: Scope()}
    if fact:
        made = rows.fact_row(values.fact_of(row, scopes))
    else:
        made = rows.episode_row(values.episode_of(row, scopes))
    expected = json.loads(made["properties"]["candidate"])
    expected[_TOLD_SCOPE] = row[1]
    terms = expected[_TOLD_TERMS].split()
    return (
        told is not None
        and json.loads(told) == expected
        and tokens == " ".join(rows.tokens(row[1], terms))
    )


def _is_drawn(row: Row, names: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether an entity's names and no others lead to it, and its label is its kind's."""
    if None in (*row[2:7], *row[9:11]):
        return True  # its names are not known: it is told of as one that lacks a key
    expected = rows.entity_row(values.entity_of(row, {row[1]: Scope()}))
    ours = {label for label in labels if label.startswith("Memory")}
    return sorted(names) == expected["names"] and ours == {
        "Memory",
        "MemoryEntity",
        expected["label"],
    }


# What is looked at, in this order: episodes last, which lean on the links of facts.
_LOOKS: Final = {
    "drawn_entities": _by_eye("names", _is_drawn),
    "amiss_assertions": _others,
    "told_facts": _by_eye("fact_texts", _is_told, at=_FACT_AT),
    "amiss_facts": _others,
    "told_episodes": _by_eye("episode_texts", _is_told),
    "amiss_episodes": _others,
}


# drawing anew


async def repair(
    connection: Connection, statements: Statements, server: schema.Server
) -> list[str]:
    """Make anew what is derived, and return what was done, a sentence each."""
    said = await _make_rules(connection, statements, server)
    models = await schema.models(connection, statements)
    slot = next((m.slot for m in models if m.active), schema.SLOTS[0])
    done = Counter[str]()
    async for amiss in _pages(connection, statements, None):
        for fault, items in amiss.items():
            for start in range(0, len(items), _PART):
                await _draw(connection, statements, slot, fault, items[start : start + _PART])
            done[fault] += len(items)
    for name, what in _DROPPED.items():
        dropped = await drop(connection, statements[f"maintain/drop_{name}"])
        if dropped:
            said.append(f"{dropped} {what}")
    return said + [f"{done[fault]} {what}" for fault, (_, what) in _AMISS.items() if done[fault]]


async def _draw(
    connection: Connection, statements: Statements, slot: str, fault: str, items: Sequence[Row]
) -> None:
    async def work(w: Work) -> None:
        keys = sorted({item[1] for item in items})
        found = await w.run(statements["maintain/scopes_by_key"], {"keys": keys})
        scopes = values.scopes_of(found["rows"])
        streams = sorted({scope.stream for scope in scopes.values()})
        await w.run(statements["maintain/lock_streams"], {"streams": streams})
        # Read now that nobody else writes: what was amiss may have gone, or changed.
        ids = sorted({item[0] for item in items})
        match fault:
            case "names":
                there = await w.run(statements["maintain/entities_by_id"], {"ids": ids})
                entities = [values.entity_of(r, scopes) for r in there["rows"] if r[1] in scopes]
                await _put(changes.Writer(w, statements, slot), entities=entities)
            case "episode_texts":
                there = await w.run(statements["maintain/episodes_by_id"], {"ids": ids})
                episodes = [values.episode_of(r, scopes) for r in there["rows"] if r[1] in scopes]
                await _put(changes.Writer(w, statements, slot), episodes=episodes)
            case "links" | "undrawn" | "fact_texts":
                versions = [
                    {"id": i, "scope": scope, "recorded_at": from_us(at)} for i, scope, at in items
                ]
                there = await w.run(statements["maintain/facts_by_version"], {"rows": versions})
                facts = [values.fact_of(r, scopes) for r in there["rows"] if r[1] in scopes]
                await _put(changes.Writer(w, statements, slot), facts=facts)
            case _:
                await w.run(statements[_DRAWN[fault]], {"ids": ids})
        await w.run(statements["write/scopes_changed"], {"keys": keys})

    await connection.write(work)


_DRAWN: Final = {
    "said": "maintain/draw_assertions",
    "chain": "maintain/draw_chain",
    "mentions": "write/refresh_episodes",
    "holding": "write/refresh_episodes",
}


async def _put(
    writer: changes.Writer,
    *,
    entities: Sequence[Entity] = (),
    episodes: Sequence[Episode] = (),
    facts: Sequence[Fact] = (),
) -> None:
    """Write memories over themselves: all that is drawn around them follows."""
    items = (*entities, *episodes, *facts)
    if items:
        await writer.write(
            GraphChange(
                scope=items[0].scope,
                stream="",
                put_entities=tuple(entities),
                put_episodes=tuple(episodes),
                put_facts=tuple(facts),
            )
        )


async def drop(connection: Connection, statement: str) -> int:
    """Take away what a statement finds, a bounded part at a time; return how much it was."""
    keys = {"limit": _DROPPED_AT_ONCE, "forever": rows.FOREVER_AT}

    async def work(w: Work) -> int:
        return (await w.run(statement, keys))["dropped"]

    dropped = 0
    while part := await connection.write(work):
        dropped += part
    return dropped


# the schema


async def rule_complaints(
    connection: Connection, statements: Statements, server: schema.Server
) -> list[str]:
    """Return what is wrong with indexes, constraints and the version of the schema."""
    found = await connection.run(statements["schema/version"])
    said: list[str] = []
    if found["version"] != schema.VERSION:
        said.append(f"the schema is of version {found['version']}, not {schema.VERSION}")
    there = await schema.indexes(connection, statements)
    said += [f"index {name} is missing" for name in schema.rules(statements) if name not in there]
    for model in await schema.models(connection, statements):
        for kind in ("episode", "fact"):
            name = schema.vector_index(kind, server, model.slot)
            if name not in there:
                said.append(f"index {name} is missing")
            elif there[name].dimension != model.dimension:
                said.append(
                    f"index {name} is for vectors of {there[name].dimension} dimensions; those of "
                    f"{model.id!r} have {model.dimension}"
                )
    said += [
        f"index {name} is {index.state.lower()}: it finds nothing, or not all"
        for name, index in there.items()
        if index.state != "ONLINE"
    ]
    return said


async def _make_rules(
    connection: Connection, statements: Statements, server: schema.Server
) -> list[str]:
    said: list[str] = []
    there = await schema.indexes(connection, statements)
    for name in [name for name, index in there.items() if index.state == "FAILED"]:
        why = await _refused(connection, statements["maintain/drop_index"], {"name": name})
        said.append(f"index {name} had failed and {'is taken away' if why is None else why}")
        if why is None:
            del there[name]
    for name, statement in schema.rules(statements).items():
        why = None if name in there else await _refused(connection, statement)
        # Since it went, two nodes may bear one key: all the rest can be mended.
        said += [] if why is None else [f"index {name} cannot be made: {why}"]
    await schema.filled(connection, statements)
    models = await schema.models(connection, statements)
    for model in models:
        await schema.ensure_indexes(connection, statements, server, model)
    new = set(await schema.indexes(connection, statements)) - set(there)
    return said + [f"index {name} was missing and is there again" for name in sorted(new)]


async def _refused(
    connection: Connection, statement: str, keys: Mapping[str, Any] | None = None
) -> str | None:
    """Change the schema; return why the server would not."""
    try:
        await connection.change_schema(statement, keys)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return str(error)
    return None


async def remarks(connection: Connection, statements: Statements) -> list[str]:
    """Return what else is in the database, by its labels: it is another's, and left alone."""
    found = await connection.run(statements["maintain/foreign"])
    if not found["rows"]:
        return []
    labels = ", ".join(f"{count} {label}" for label, count in found["rows"])
    return [f"other nodes than graphmem's are in this database, and left alone: {labels}"]
