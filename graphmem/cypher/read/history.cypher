// Every version of every fact of this fact's slot.
MATCH (g:MemoryFact) WHERE g.scope IN $scopes AND g.id = $id AND g.recorded_at IS NOT NULL
WITH DISTINCT g.slot AS slot
MATCH (f:MemoryFact) WHERE f.slot = slot AND f.scope IN $scopes
WITH f ORDER BY f.recorded_at, f.valid_from, f.id
RETURN collect(
// include: fragment/fact_row
) AS rows
