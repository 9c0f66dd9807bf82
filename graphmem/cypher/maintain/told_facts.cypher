// A page of everybody's fact versions, with what recall is told of each (memory_fact_id).
MATCH (f:MemoryFact) WHERE f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since)
WITH f ORDER BY f.id, f.recorded_at LIMIT 500
RETURN collect([
// include: fragment/fact_row
, f.candidate, f.tokens]) AS rows
