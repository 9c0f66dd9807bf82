MATCH (e:MemoryEpisode) WHERE ($scopes IS NULL OR e.scope IN $scopes) AND e.embedding___slot__ IS NULL RETURN count(e) AS n
