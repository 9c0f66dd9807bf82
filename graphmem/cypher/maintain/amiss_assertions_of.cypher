// A page of one scope's assertions (memory_assertion_scope).
MATCH (a:MemoryAssertion) WHERE a.scope = $scope AND a.id > $cursor
WITH a ORDER BY a.scope, a.id LIMIT 1000
WITH collect(a) AS page
// include: fragment/amiss_assertions
