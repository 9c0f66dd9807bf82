// Who are the hubs?
// The ten entities with most facts, and what holds between them and others now.
// params: scope. returns: the entity, its number of facts in all their versions, paths. index: memory_entity_scope.
MATCH (n:MemoryEntity) USING INDEX n:MemoryEntity(scope, id)
WHERE n.scope = $scope AND n.id IS NOT NULL
WITH n, COUNT { (n)<-[:SUBJECT]-() } + COUNT { (n)<-[:OBJECT]-() } AS facts
ORDER BY facts DESC, n.name
LIMIT 10
RETURN n, facts,
       COLLECT { MATCH p = (n)-[r]->(:MemoryEntity) WHERE r.fact_id IS NOT NULL RETURN p LIMIT 10 } AS arrows
