"""A scope of a Neo4j database many times over, by the database itself: what a million facts need.

Nodes are copied with ids of their own, relationships by the places of their ends in lists, so that
nothing is looked up. The vector indexes are made anew afterwards. Does not measure anything.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from graphmem.graph import neo4j_schema as schema
from graphmem.graph.neo4j_connection import Connection
from graphmem.graph.neo4j_rows import MARK
from graphmem.graph.rows import scope_row
from graphmem.models import Scope
from graphmem.queries import load_cypher
from graphmem.testing.neo4j.server import open_driver

AT_ONCE: Final = 20  # scopes a statement; each is a transaction

_PLACES: Final = """
CALL () {
    MATCH (x:MemoryEpisode) WHERE x.scope = $scope AND x.id IS NOT NULL
    WITH x ORDER BY x.id RETURN collect(elementId(x)) AS episodes
}
CALL () {
    MATCH (x:MemoryEntity) WHERE x.scope = $scope AND x.id IS NOT NULL
    WITH x ORDER BY x.id RETURN collect(elementId(x)) AS entities
}
CALL () {
    MATCH (x:MemoryName) WHERE x.scope = $scope AND x.name IS NOT NULL
    WITH x ORDER BY x.name RETURN collect(elementId(x)) AS names
}
CALL () {
    MATCH (x:MemoryAssertion) WHERE x.scope = $scope AND x.id IS NOT NULL
    WITH x ORDER BY x.id RETURN collect(elementId(x)) AS assertions
}
CALL () {
    MATCH (x:MemoryFact) WHERE x.scope = $scope AND x.id IS NOT NULL AND x.recorded_at IS NOT NULL
    WITH x ORDER BY x.id RETURN collect(elementId(x)) AS facts
}
RETURN episodes, entities, names, assertions, facts
"""

_ENDS: Final = """
MATCH (a {scope: $scope})-[r]->(b {scope: $scope})
RETURN type(r) AS type, elementId(a) AS a, elementId(b) AS b, properties(r) AS properties
"""

_COPY: Final = """
UNWIND $scopes AS s
CALL (s) {
    CREATE (:MemoryScope {key: s.key, app: s.app, user: s.user, version: 1, name: s.user})
    WITH s
    CALL (s) {
        MATCH (e:MemoryEpisode) WHERE e.scope = $scope AND e.id IS NOT NULL
        WITH e, s, s.tag + substring(e.id, 8) AS id ORDER BY e.id
        CREATE (x:Memory:MemoryChunk:MemoryEpisode)
        SET x = e {.*, id: id, scope: s.key, slot: s.tag + substring(e.slot, 8),
            candidate: replace(replace(e.candidate, e.id, id), $scope, s.key),
            tokens: replace(e.tokens, left($scope, $mark), left(s.key, $mark))}
        RETURN collect(x) AS episodes
    }
    CALL (s) {
        MATCH (n:MemoryEntity) WHERE n.scope = $scope AND n.id IS NOT NULL
        WITH n, s ORDER BY n.id
        CREATE (x:Memory:MemoryEntity:MemoryPerson)
        SET x = n {.*, id: s.tag + substring(n.id, 8), scope: s.key}
        RETURN collect(x) AS entities
    }
    CALL (s) {
        MATCH (m:MemoryName) WHERE m.scope = $scope AND m.name IS NOT NULL
        WITH m, s ORDER BY m.name
        CREATE (x:MemoryName) SET x = m {.*, scope: s.key}
        RETURN collect(x) AS names
    }
    CALL (s) {
        MATCH (a:MemoryAssertion) WHERE a.scope = $scope AND a.id IS NOT NULL
        WITH a, s ORDER BY a.id
        CREATE (x:Memory:MemoryAssertion)
        SET x = a {.*, id: s.tag + substring(a.id, 8), scope: s.key,
            slot: s.tag + substring(a.slot, 8), episode_id: s.tag + substring(a.episode_id, 8),
            subject_id: s.tag + substring(a.subject_id, 8)}
        RETURN collect(x) AS assertions
    }
    CALL (s) {
        MATCH (f:MemoryFact)
        WHERE f.scope = $scope AND f.id IS NOT NULL AND f.recorded_at IS NOT NULL
        WITH f, s, s.tag + substring(f.id, 8) AS id, f.episodes[0] AS old ORDER BY f.id
        WITH f, s, id, old, s.tag + substring(old, 8) AS new
        CREATE (x:Memory:MemoryFact)
        SET x = f {.*, id: id, scope: s.key, slot: s.tag + substring(f.slot, 8),
            subject_id: s.tag + substring(f.subject_id, 8), episodes: [new],
            candidate: replace(replace(replace(f.candidate, f.id, id), old, new), $scope, s.key),
            tokens: replace(f.tokens, left($scope, $mark), left(s.key, $mark))}
        RETURN collect(x) AS facts
    }
    WITH {episodes: episodes, entities: entities, names: names,
          assertions: assertions, facts: facts} AS made
    UNWIND $links AS l
    WITH l, made[l.a[0]][l.a[1]] AS a, made[l.b[0]][l.b[1]] AS b
    CREATE (a)-[r:$(l.type)]->(b)
    SET r = l.properties
} IN TRANSACTIONS OF 1 ROWS
"""


async def copy(
    uri: str,
    auth: tuple[str, str],
    connection: Connection,
    template: Scope,
    scopes: Sequence[Scope],
) -> None:
    """Give each of these scopes what ``template`` holds, one support a fact, under its own ids."""
    statements = load_cypher("graphmem", "cypher")
    server = await schema.server_of(connection, statements)
    connection.prefix = server.prefix
    model = (await schema.models(connection, statements))[0]
    await schema.drop_indexes(connection, statements, model.slot)
    await asyncio.to_thread(_copy, uri, auth, template, scopes)
    await schema.ensure_indexes(connection, statements, server, model)


def _copy(uri: str, auth: tuple[str, str], template: Scope, scopes: Sequence[Scope]) -> None:
    with open_driver(uri, auth) as driver, driver.session() as session:
        places = session.run(_PLACES, scope=template.key).single(strict=True).data()
        at = {
            node: [kind, place]
            for kind, nodes in places.items()
            for place, node in enumerate(nodes)
        }
        links: list[dict[str, Any]] = [
            {"type": r["type"], "a": at[r["a"]], "b": at[r["b"]], "properties": r["properties"]}
            for r in session.run(_ENDS, scope=template.key)
        ]
        rows = [
            {**scope_row(scope), "tag": f"{number:08x}"} for number, scope in enumerate(scopes, 1)
        ]
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            session.run(_COPY, scope=template.key, scopes=part, links=links, mark=MARK).consume()
