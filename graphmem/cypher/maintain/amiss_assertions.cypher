// A page of everybody's assertions (memory_assertion_id).
MATCH (a:MemoryAssertion) WHERE a.id > $cursor
WITH a ORDER BY a.id LIMIT 1000
WITH collect(a) AS page
// include: fragment/amiss_assertions
