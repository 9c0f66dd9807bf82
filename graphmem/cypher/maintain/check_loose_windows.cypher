MATCH (w:MemoryWindow) WHERE ($scopes IS NULL OR w.scope IN $scopes) AND NOT EXISTS { (w)-[:WINDOW_OF]->() } RETURN count(w) AS n
