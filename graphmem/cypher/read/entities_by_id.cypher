MATCH (n:MemoryEntity) WHERE n.id IN $ids AND n.scope IN $scopes
WITH n ORDER BY n.id
RETURN collect(
// include: fragment/entity_row
) AS rows
