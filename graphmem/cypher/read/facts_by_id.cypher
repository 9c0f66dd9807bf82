// Of each fact the newest version recorded up to $known_at.
MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.id IN $ids AND f.recorded_at <= $known_at
WITH f ORDER BY f.recorded_at DESC
WITH f.scope AS scope, f.id AS id, collect(f)[0] AS f
WITH f ORDER BY f.id
RETURN collect(
// include: fragment/fact_row
) AS rows
