MATCH (a:MemoryAssertion)
WHERE a.subject_id IN $entities AND a.predicate IN $keyed AND a.scope IN $scopes
  AND (a.object_id IN $entities OR (a.object_id IS NULL AND a.value_key IN $values))
RETURN collect(
// include: fragment/assertion_row
) AS rows
