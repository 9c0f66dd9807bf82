MATCH (f:MemoryFact)-[:SUBJECT|OBJECT|FROM|SUPERSEDES|CONTRADICTS]->(x)
WHERE ($scopes IS NULL OR f.scope IN $scopes) AND x.scope <> f.scope RETURN count(f) AS n
