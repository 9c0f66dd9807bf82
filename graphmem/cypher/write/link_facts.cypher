// What a version took the place of and what it contradicts, as drawn relationships.
UNWIND $rows AS row
MATCH (f:MemoryFact) WHERE f.scope = row.scope AND f.id = row.id AND f.recorded_at = row.recorded_at
CALL (f, row) {
    MATCH (old:MemoryFact) WHERE old.scope = row.scope AND old.id = row.supersedes AND old.recorded_at <= row.recorded_at
    WITH f, row, old ORDER BY old.recorded_at DESC LIMIT 1
    MERGE (f)-[r:SUPERSEDES]->(old) SET r.reason = row.reason, r.at = row.recorded_at
}
CALL (f, row) {
    UNWIND row.contradicts AS other
    MATCH (x:MemoryFact) WHERE x.scope = row.scope AND x.id = other AND x.recorded_at <= row.recorded_at
    WITH f, other, x ORDER BY x.recorded_at DESC
    WITH f, other, collect(x)[0] AS x
    MERGE (f)-[:CONTRADICTS]->(x)
}
