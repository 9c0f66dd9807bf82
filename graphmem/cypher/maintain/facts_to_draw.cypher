// Facts that hold between two entities, a page by id and version (memory_fact_id).
MATCH (f:MemoryFact) WHERE f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since)
  AND f.object_id IS NOT NULL AND f.status = 'active' AND f.retired_at = $forever AND f.valid_to = $forever
WITH f ORDER BY f.id, f.recorded_at LIMIT 500
RETURN collect([f.id, f.scope, f.subject_id, f.predicate, f.object_id,
    f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond]) AS rows
