"""The schema of the graph in Neo4j: what it consists of, how it comes about, which model is active.

Two slots hold vectors, each a property and its indexes: the active model's, and while a memory is
embedded anew the next one's, so that the switch is one small transaction. Does not know memories.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphmem.errors import EmbeddingMismatch, SchemaOutdated, StoreError
from graphmem.graph.neo4j_connection import Connection, Work
from graphmem.graph.neo4j_rows import MARK

Statements = Mapping[str, str]
VERSION: Final = 2
SLOTS: Final = ("a", "b")
FILTERED_FROM: Final = (2026, 6)  # in-index `IN` came with this; the rest of SEARCH with 2026.02
OLDEST: Final = (5, 26)
_LOOK_FIRST_S: Final = 0.01
_LOOK_SELDOM_S: Final = 1.0
_RULE: Final = re.compile(r"memory_\w+")
# What the schema directory holds besides constraints and indexes that are made once.
_NO_RULES: Final = frozenset(
    {"version", "set_version", "models", "add_model", "lock", "indexes", "server"}
)


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model whose vectors are in a slot."""

    id: str
    dimension: int
    slot: str
    active: bool


@dataclass(frozen=True, slots=True)
class Server:
    """What the server is; ``filtered``: its vector indexes can know scopes and clocks."""

    version: tuple[int, ...]
    edition: str

    @property
    def filtered(self) -> bool:
        return self.version >= FILTERED_FROM

    @property
    def prefix(self) -> str:
        """Return the language that our statements are in, whatever the database's default."""
        return "CYPHER 25 " if self.filtered else "CYPHER 5 "


def unfinished() -> StoreError:
    """Return what there is to say of a database that was being filled and is not whole."""
    return StoreError(
        "this Neo4j database holds half a memory: moving one into it has not ended, or never will "
        "because it was cut short; in that case delete all nodes whose label begins with Memory, "
        "and move again"
    )


async def server_of(connection: Connection, statements: Statements) -> Server:
    """Ask the server what it is; SchemaOutdated if it is older than what is supported."""
    found = await connection.run(statements["schema/server"])
    numbers = found["version"].split("-")[0].split("+")[0].split(".")
    version = tuple(int(n) for n in numbers if n.isdigit())
    if version < OLDEST:
        raise SchemaOutdated(
            f"Neo4j {found['version']} is older than 5.26, the oldest that graphmem works with"
        )
    return Server(version, found["edition"])


async def migrate(connection: Connection, statements: Statements) -> None:
    """Create what is missing, bring an older schema up; safe when several do it at once.

    SchemaOutdated on a newer one.

    StoreError where a memory is being moved in.
    """
    found = await connection.run(statements["schema/version"])
    if found["restoring"]:
        raise unfinished()
    if found["version"] is not None and found["version"] > VERSION:
        raise SchemaOutdated(
            f"this database has graphmem's schema {found['version']}, newer than {VERSION}, "
            "which this version knows: install the newer graphmem"
        )
    if found["version"] == VERSION:
        return
    if found["version"] is not None:
        # Each may be run again: what was cut short is begun anew.
        for version in range(found["version"] + 1, VERSION + 1):
            for name in sorted(statements):
                if name.startswith(f"schema/to_{version}_"):
                    await connection.change_schema(statements[name], {"mark": MARK})
    await make(connection, statements)

    async def set_version(work: Work) -> None:
        await work.run(statements["schema/set_version"], {"version": VERSION})

    await connection.write(set_version)


async def make(connection: Connection, statements: Statements) -> None:
    """Make the constraints and indexes that are not there; wait until they are filled."""
    there = await indexes(connection, statements)
    for rule, statement in rules(statements).items():
        if rule not in there:
            await connection.change_schema(statement)
    await filled(connection, statements)


async def filled(connection: Connection, statements: Statements) -> None:
    """Wait until our indexes are filled: one that is not finds less. Others' may take their time.

    However long it takes: after a large memory was moved in, it is longer than any guess. One that
    has failed is for the doctor.
    """
    delay = _LOOK_FIRST_S
    while any(i.state == "POPULATING" for i in (await indexes(connection, statements)).values()):
        await asyncio.sleep(delay)
        delay = min(_LOOK_SELDOM_S, 2 * delay)


def rules(statements: Statements) -> dict[str, str]:
    """Return what makes each constraint and index by its name, but for those of vectors."""
    return {
        _RULE.findall(text)[0]: text
        for name, text in sorted(statements.items())
        if name.startswith("schema/")
        and name.removeprefix("schema/") not in _NO_RULES
        and not name.startswith("schema/to_")
        and "_vector" not in name
    }


async def models(connection: Connection, statements: Statements) -> list[Model]:
    found = await connection.run(statements["schema/models"])
    return [Model(*row) for row in found["rows"]]


async def add_model(
    connection: Connection, statements: Statements, server: Server, model_id: str, dimension: int
) -> Model:
    """Give a model a slot and its indexes; the first is active. EmbeddingMismatch on dimension."""

    async def work(w: Work) -> Model:
        await w.run(statements["schema/lock"])
        found = [Model(*row) for row in (await w.run(statements["schema/models"]))["rows"]]
        same = [m for m in found if m.id == model_id]
        if same:
            if same[0].dimension != dimension:
                raise EmbeddingMismatch(
                    f"{model_id} ({same[0].dimension})", f"{model_id} ({dimension})"
                )
            return same[0]
        free = [slot for slot in SLOTS if slot not in {m.slot for m in found}]
        if not free:
            others = [m.id for m in found if not m.active]
            raise EmbeddingMismatch(others[0], model_id)
        keys = {"id": model_id, "dimension": dimension, "slot": free[0], "active": not found}
        await w.run(statements["schema/add_model"], keys)
        return Model(model_id, dimension, free[0], not found)

    model = await connection.write(work)
    await ensure_indexes(connection, statements, server, model)
    return model


async def ensure_indexes(
    connection: Connection, statements: Statements, server: Server, model: Model
) -> None:
    """Have the vector indexes of a model's slot, as good as the server can; wait for them.

    Only what is missing or wrong is made: each change of the schema has every plan made anew.
    """
    here, gone = ("_filtered", "vector") if server.filtered else ("", "search")
    there = await indexes(connection, statements)
    changes: list[str] = []
    for kind in ("episode", "fact"):
        ours = vector_index(kind, server, model.slot)
        # Left by a server of the other kind, or by a model that had this slot before.
        if f"memory_{kind}_{gone}_{model.slot}" in there:
            changes.append(statements[f"maintain/drop_{kind}_{gone}"])
        if ours in there and there[ours].dimension != model.dimension:
            changes.append(statements[f"maintain/drop_{kind}_{'search' if here else 'vector'}"])
        if ours not in there or there[ours].dimension != model.dimension:
            changes.append(statements[f"schema/{kind}_vector{here}"])
    for text in changes:
        await connection.change_schema(
            text.replace("__slot__", model.slot).replace("__dimension__", str(int(model.dimension)))
        )
    if changes or any(index.state == "POPULATING" for index in there.values()):
        await filled(connection, statements)


def vector_index(kind: str, server: Server, slot: str) -> str:
    """Return the name of the index of a kind's vectors in a slot."""
    return f"memory_{kind}_{'search' if server.filtered else 'vector'}_{slot}"


@dataclass(frozen=True, slots=True)
class Index:
    """An index of ours as the database has it; ``dimension`` of a vector index."""

    type: str
    state: str
    dimension: int | None


async def indexes(connection: Connection, statements: Statements) -> dict[str, Index]:
    """Return our indexes by name."""
    found = await connection.run(statements["schema/indexes"])
    return {name: Index(*rest) for name, *rest in found["rows"]}


async def drop_indexes(connection: Connection, statements: Statements, slot: str) -> None:
    for kind in ("episode", "fact"):
        for name in ("vector", "search"):
            await connection.change_schema(
                statements[f"maintain/drop_{kind}_{name}"].replace("__slot__", slot)
            )
