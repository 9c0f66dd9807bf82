// Versions that took the place of others, or contradict some, a page by id and version (memory_fact_id).
MATCH (f:MemoryFact) WHERE f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since) AND (f.supersedes IS NOT NULL OR size(f.contradicts) > 0)
WITH f ORDER BY f.id, f.recorded_at LIMIT 500
RETURN collect([f.id, f.scope, f.supersedes, f.reason, f.contradicts,
    f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond]) AS rows
