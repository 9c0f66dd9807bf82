// A page of one scope's entities (memory_entity_scope).
MATCH (n:MemoryEntity) WHERE n.scope = $scope AND n.id > $cursor
WITH n ORDER BY n.scope, n.id LIMIT 500
// include: fragment/drawn_entities
