// What is in quarantine?
// What was said that reads like an instruction, and the episodes that said it. Recall leaves it out.
// params: scope. returns: paths. index: memory_fact_scope.
MATCH (f:MemoryFact) USING INDEX f:MemoryFact(scope, retired_at)
WHERE f.scope = $scope AND f.retired_at > datetime() AND f.status = 'quarantined'
WITH f
LIMIT 50
MATCH about = (f)-[:SUBJECT]->(:MemoryEntity)
RETURN about, COLLECT { MATCH read = (f)-[:FROM]->(:MemoryEpisode) RETURN read LIMIT 5 } AS read
