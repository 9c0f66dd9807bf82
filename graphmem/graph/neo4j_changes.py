"""A change to the graph as statements in one transaction, and what follows from it.

Whatever is drawn beside the memories themselves (NEXT, MENTIONS, shortcuts between entities, what
an episode stands for) is made anew for what the change touches. Does not know fences, watermarks
or how a change came about.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from graphmem.errors import InvalidInput
from graphmem.graph import neo4j_rows as rows
from graphmem.graph import rows as values
from graphmem.graph.neo4j_connection import Work
from graphmem.models import Embedding, Fact, GraphChange, Scope

Statements = Mapping[str, str]
_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_PART: Final = 1000  # rows of one statement: a transaction's memory is bounded


def checked(embeddings: Iterable[Embedding], dimension: int) -> None:
    """Raise InvalidInput unless all vectors have this dimension."""
    for e in embeddings:
        if e.vectors.ndim != 2 or e.vectors.shape[1] != dimension or not len(e.vectors):
            raise InvalidInput(
                f"vectors of {e.item_id!r} have shape {e.vectors.shape}; expected (n, {dimension})"
            )
        if e.kind == "fact" and len(e.vectors) > 1:
            raise InvalidInput(f"fact {e.item_id!r} has {len(e.vectors)} vectors; expected one")


class Writer:
    """Writes changes inside one transaction; ``slot`` is the active model's."""

    def __init__(self, work: Work, statements: Statements, slot: str) -> None:
        self._work = work
        self._statements = statements
        self._slot = slot
        self._episodes: set[str] = set()
        self._shortcuts: dict[str, dict[str, Any]] = {}
        self._scopes: set[str] = set()

    async def write(self, change: GraphChange) -> None:
        scopes = values.by_key(values.scopes_in(change))
        await self._delete(change)
        await self._put(change)
        await self.vectors(change.put_embeddings)
        await self._delete_facts(change)
        await self._run("write/refresh_episodes", "ids", sorted(self._episodes))
        await self._run(
            "write/refresh_shortcuts",
            "rows",
            [self._shortcuts[i] for i in sorted(self._shortcuts)],
            forever=rows.FOREVER_AT,
            beginning=rows.BEGINNING_AT,
        )
        await self._touch(scopes)

    async def fill(self, change: GraphChange) -> None:
        """Write what a change puts, and not what follows from it: for when not all is there yet.

        Nothing may be there before of what it puts.
        """
        await self._put(change)
        await self._touch(values.by_key(values.scopes_in(change)))

    async def vectors(self, embeddings: Sequence[Embedding]) -> set[str]:
        """Write the vectors of items that are there; return the keys of their scopes."""
        last = {e.item_id: e for e in embeddings}.values()
        made = [rows.vector_row(e) for e in last if e.kind == "episode"]
        await self._run("write/delete_windows", "ids", [row["id"] for row in made])
        found = await self._run("write/put_episode_vectors", "rows", made)
        await self._run("write/put_windows", "rows", [row for row in made if row["more"]])
        made = [rows.vector_row(e) for e in last if e.kind == "fact"]
        found += await self._run("write/put_fact_vectors", "rows", made)
        return {scope for record in found for scope in record["scopes"]}

    # parts of a change ----------------------------------------------------------------------

    async def _delete(self, change: GraphChange) -> None:
        """Take away what is not put again; facts go last, for their versions share a vector."""
        kept = {e.id for e in change.put_episodes}
        gone = sorted(set(change.delete_episodes) - kept)
        if gone:
            await self._run("write/unlink_episodes", "ids", gone)
            self._lost(await self._run("write/delete_episodes", "ids", gone))
        kept = {a.id for a in change.put_assertions}
        lost = await self._run(
            "write/delete_assertions", "ids", sorted(set(change.delete_assertions) - kept)
        )
        self._lost(lost)
        self._episodes.update(i for record in lost for i in record["episodes"])
        kept = {e.id for e in change.put_entities}
        self._lost(
            await self._run(
                "write/delete_entities", "ids", sorted(set(change.delete_entities) - kept)
            )
        )

    async def _put(self, change: GraphChange) -> None:
        episodes = {e.id: e for e in change.put_episodes}
        if episodes:
            await self._run("write/unlink_episodes", "ids", sorted(episodes))
            await self._run(
                "write/put_episodes", "rows", [rows.episode_row(e) for e in episodes.values()]
            )
            in_order = sorted(episodes.values(), key=lambda e: (e.seq, e.id))
            await self._run("write/link_episodes", "ids", [e.id for e in in_order])
        entities = {e.id: rows.entity_row(e) for e in change.put_entities}
        await self._run("write/put_entities", "rows", [entities[i] for i in sorted(entities)])
        names = sorted(
            (row["properties"]["scope"], name, row["id"])
            for row in entities.values()
            for name in row["names"]
        )
        await self._run(
            "write/put_names", "rows", [{"scope": s, "name": n, "id": i} for s, n, i in names]
        )
        said = {a.id: a for a in change.put_assertions}
        await self._run(
            "write/put_assertions", "rows", [rows.assertion_row(said[i]) for i in sorted(said)]
        )
        self._episodes.update(episodes, (a.episode_id for a in said.values()))
        await self._put_facts(change.put_facts, {e.item_id for e in change.put_embeddings})

    async def _put_facts(self, facts: Sequence[Fact], embedded: Collection[str]) -> None:
        versions = {(f.id, f.recorded_at): f for f in facts}
        made = [rows.fact_row(versions[key]) for key in sorted(versions)]
        for record in await self._run("write/put_facts", "rows", made):
            self._episodes.update(i for i in record["episodes"] if i)
        linked = [row for row in made if row["supersedes"] or row["contradicts"]]
        await self._run("write/link_facts", "rows", linked)
        for scope in sorted({f.scope.key for f in facts}):
            named = sorted({f.id for f in facts if f.scope.key == scope} - set(embedded))
            await self._run("write/share_vectors", "ids", named, scope=scope)
        for fact in versions.values():
            self._episodes.update(s.episode_id for s in fact.support)
            self._shortcut(fact.scope.key, fact.id, fact.subject_id, fact.predicate, fact.object_id)

    async def _delete_facts(self, change: GraphChange) -> None:
        kept = {(f.id, f.recorded_at) for f in change.put_facts}
        gone = sorted(set(change.delete_facts) - kept)
        lost = await self._run(
            "write/delete_facts", "rows", [{"id": i, "recorded_at": at} for i, at in gone]
        )
        self._lost(lost)
        for record in lost:
            self._episodes.update(i for some in record["episodes"] for i in some)
            for scope, fact, subject, predicate, object_ in record["facts"]:
                self._shortcut(scope, fact, subject, predicate, object_)

    def _shortcut(
        self, scope: str, fact: str, subject: str, predicate: str, object_: str | None
    ) -> None:
        if object_ is not None:
            self._shortcuts[fact] = {
                "scope": scope,
                "id": fact,
                "subject": subject,
                "object": object_,
                "predicate": predicate,
                "type": relation_of(predicate),
            }

    def _lost(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Remember scopes that lost something, also those that the change does not name."""
        for record in records:
            self._scopes.update(record["scopes"])

    async def _touch(self, scopes: Mapping[str, Scope]) -> None:
        named = [values.scope_row(scope) for _, scope in sorted(scopes.items())]
        await self._run("write/touch_scopes", "rows", named)
        others = sorted(self._scopes - set(scopes))
        await self._run("write/scopes_changed", "keys", others)

    async def _run(
        self, name: str, key: str, values: Sequence[Any], **more: Any
    ) -> list[Mapping[str, Any]]:
        """Run a statement on bounded parts of a list; nothing is asked for an empty one."""
        statement = self._statements[name].replace("__slot__", self._slot)
        return [
            await self._work.run(statement, {key: list(values[at : at + _PART]), **more})
            for at in range(0, len(values), _PART)
        ]


def relation_of(predicate: str) -> str:
    """Return the relationship type of a predicate: the word itself, else RELATED.

    Types are few and stay in a database for good: whatever is no plain word gets none of its own.
    """
    return predicate.upper() if _TYPE.fullmatch(predicate) else "RELATED"
