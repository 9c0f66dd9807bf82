// What changed?
// Facts that took the place of others, the latest first.
// params: scope. returns: paths. index: memory_fact_scope.
MATCH (f:MemoryFact) USING INDEX f:MemoryFact(scope, retired_at)
WHERE f.scope = $scope AND f.retired_at > datetime() AND f.supersedes IS NOT NULL
WITH f
ORDER BY f.valid_from DESC
LIMIT 50
MATCH change = (f)-[:SUPERSEDES]->(:MemoryFact)
RETURN change
LIMIT 100
