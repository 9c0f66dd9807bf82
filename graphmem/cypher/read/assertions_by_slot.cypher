MATCH (a:MemoryAssertion) WHERE a.slot IN $slots AND a.scope IN $scopes
RETURN collect(
// include: fragment/assertion_row
) AS rows
