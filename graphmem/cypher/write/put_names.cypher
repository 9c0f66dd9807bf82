// params: rows of scope, name, id.
UNWIND $rows AS row
MERGE (m:MemoryName {scope: row.scope, name: row.name})
WITH m, row
MATCH (n:MemoryEntity {id: row.id})
MERGE (m)-[:NAMES]->(n)
