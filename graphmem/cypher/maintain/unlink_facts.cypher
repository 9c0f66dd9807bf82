// Takes away what write/link_facts draws.
UNWIND $rows AS row
MATCH (f:MemoryFact)-[r:SUPERSEDES|CONTRADICTS]->()
WHERE f.scope = row.scope AND f.id = row.id AND f.recorded_at = row.recorded_at
DELETE r
