// What an event said is immutable; whom it means and which slot it is of are not.
UNWIND $rows AS row
MERGE (a:MemoryAssertion {id: row.id})
ON CREATE SET a:Memory, a += row.properties
ON MATCH SET a += row.changing
WITH a, row
OPTIONAL MATCH (e:MemoryEpisode {id: row.episode_id})
FOREACH (_ IN CASE WHEN e IS NULL THEN [] ELSE [1] END | MERGE (a)-[:STATED_IN]->(e))
WITH a, row
UNWIND row.names AS name
MERGE (m:MemoryName {scope: row.scope, name: name})
MERGE (a)-[:SPEAKS_OF]->(m)
WITH a, collect(DISTINCT name) AS spoken
SET a.names = COLLECT { UNWIND coalesce(a.names, []) + spoken AS x WITH DISTINCT x RETURN x ORDER BY x }
