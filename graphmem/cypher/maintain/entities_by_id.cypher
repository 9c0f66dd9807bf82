// These entities, whosever they are (memory_entity_id).
MATCH (n:MemoryEntity) WHERE n.id IN $ids
RETURN collect(
// include: fragment/entity_row
) AS rows
