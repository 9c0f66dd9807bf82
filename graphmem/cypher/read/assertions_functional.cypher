MATCH (a:MemoryAssertion)
WHERE a.subject_id IN $entities AND a.predicate IN $predicates AND a.scope IN $scopes
RETURN collect(
// include: fragment/assertion_row
) AS rows
