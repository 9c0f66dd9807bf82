// Links these assertions to their episode and to what they name, and to nothing else (memory_assertion_id).
UNWIND $ids AS id
MATCH (a:MemoryAssertion {id: id})
CALL (a) { MATCH (a)-[r:STATED_IN|SPEAKS_OF]->() DELETE r }
CALL (a) { MATCH (e:MemoryEpisode {id: a.episode_id}) CREATE (a)-[:STATED_IN]->(e) }
CALL (a) {
    UNWIND a.names AS name
    MERGE (m:MemoryName {scope: a.scope, name: name})
    CREATE (a)-[:SPEAKS_OF]->(m)
}
