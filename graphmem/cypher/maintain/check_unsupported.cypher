MATCH (f:MemoryFact)-[r:FROM]->()
WHERE ($scopes IS NULL OR f.scope IN $scopes) AND NOT EXISTS { MATCH (a:MemoryAssertion) WHERE a.id = r.assertion_id }
RETURN count(r) AS n
