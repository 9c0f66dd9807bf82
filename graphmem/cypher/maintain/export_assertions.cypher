// Everybody's assertions, a page by id (memory_assertion_id).
MATCH (a:MemoryAssertion) WHERE a.id > $cursor
WITH a ORDER BY a.id LIMIT 500
RETURN collect(
// include: fragment/assertion_row
) AS rows
