MATCH (m:MemoryName)-[:NAMES]->(n:MemoryEntity)
WHERE m.scope IN $scopes AND m.name IN $names
WITH DISTINCT n ORDER BY n.id
RETURN collect(
// include: fragment/entity_row
) AS rows
