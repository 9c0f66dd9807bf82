CALL () {
    MATCH (a:MemoryAssertion) WHERE a.subject_id IN $entity_ids AND a.predicate IS NOT NULL AND a.scope IN $scopes RETURN a
  UNION
    MATCH (a:MemoryAssertion) WHERE a.object_id IN $entity_ids AND a.scope IN $scopes RETURN a
}
RETURN collect(
// include: fragment/assertion_row
) AS rows
