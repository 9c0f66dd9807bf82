// A page of one scope's fact versions, with what recall is told of each (memory_fact_version).
MATCH (f:MemoryFact) WHERE f.scope = $scope AND f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since)
WITH f ORDER BY f.scope, f.id, f.recorded_at LIMIT 500
RETURN collect([
// include: fragment/fact_row
, f.candidate, f.tokens]) AS rows
