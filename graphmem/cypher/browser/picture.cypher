// Everybody at a glance
// What holds now between people, organisations, places and things. An arrow is a current fact.
// params: scope. returns: paths. index: memory_entity_scope.
MATCH (n:MemoryEntity) USING INDEX n:MemoryEntity(scope, id)
WHERE n.scope = $scope AND n.id IS NOT NULL
MATCH p = (n)-[r]->(:MemoryEntity)
WHERE r.fact_id IS NOT NULL
RETURN p
LIMIT 150
