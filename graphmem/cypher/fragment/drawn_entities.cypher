// Entities, with the names that lead to each and its labels.
RETURN collect([
// include: fragment/entity_row
, COLLECT { MATCH (m:MemoryName)-[:NAMES]->(n) RETURN m.name }, labels(n)]) AS rows
