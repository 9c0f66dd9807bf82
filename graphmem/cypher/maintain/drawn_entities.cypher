// A page of everybody's entities (memory_entity_id).
MATCH (n:MemoryEntity) WHERE n.id > $cursor
WITH n ORDER BY n.id LIMIT 500
// include: fragment/drawn_entities
