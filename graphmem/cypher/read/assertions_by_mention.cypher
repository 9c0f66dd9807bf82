MATCH (m:MemoryName)<-[:SPEAKS_OF]-(a:MemoryAssertion)
WHERE m.scope IN $scopes AND m.name IN $mentioned
WITH DISTINCT a
RETURN collect(
// include: fragment/assertion_row
) AS rows
