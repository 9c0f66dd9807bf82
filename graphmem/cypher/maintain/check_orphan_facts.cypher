MATCH (f:MemoryFact) WHERE ($scopes IS NULL OR f.scope IN $scopes) AND f.support = '[]' RETURN count(f) AS n
