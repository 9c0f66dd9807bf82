MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.id >= $cursor AND f.recorded_at IS NOT NULL
  AND (f.id > $cursor OR f.recorded_at > $since)
  AND ($versions OR (f.recorded_at <= $known_at AND f.retired_at > $known_at))
  AND (NOT $dated OR (f.valid_from <= $as_of AND f.valid_to > $as_of)) AND
// include: fragment/fact_filter
WITH f ORDER BY f.id, f.recorded_at LIMIT $limit
RETURN collect(
// include: fragment/fact_row
) AS rows
