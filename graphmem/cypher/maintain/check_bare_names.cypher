MATCH (m:MemoryName) WHERE ($scopes IS NULL OR m.scope IN $scopes) AND NOT EXISTS { (m)--() } RETURN count(m) AS n
