// The vectors of facts in a slot, a page by id and version; the versions share one, which comes with the first.
MATCH (f:MemoryFact) WHERE f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since) AND f.embedding___slot__ IS NOT NULL
WITH f ORDER BY f.id, f.recorded_at LIMIT 300
RETURN collect([f.id, CASE WHEN EXISTS {
    MATCH (g:MemoryFact) WHERE g.id = f.id AND g.recorded_at < f.recorded_at AND g.embedding___slot__ IS NOT NULL
} THEN null ELSE f.embedding___slot__ END,
    f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond]) AS rows
