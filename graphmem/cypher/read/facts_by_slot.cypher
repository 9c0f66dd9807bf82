MATCH (f:MemoryFact) WHERE f.slot IN $slots AND f.scope IN $scopes
RETURN collect(
// include: fragment/fact_row
) AS rows
