// Everybody's entities, a page by id (memory_entity_id).
MATCH (n:MemoryEntity) WHERE n.id > $cursor
WITH n ORDER BY n.id LIMIT 500
RETURN collect(
// include: fragment/entity_row
) AS rows
