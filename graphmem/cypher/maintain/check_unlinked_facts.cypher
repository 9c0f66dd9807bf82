// Drawn provenance: each version stands on the episodes that it names, as far as they are there.
MATCH (f:MemoryFact) WHERE ($scopes IS NULL OR f.scope IN $scopes) AND f.supports <> COUNT { (f)-[:FROM]->() }
UNWIND f.episodes AS id
MATCH (e:MemoryEpisode) WHERE e.id = id AND NOT EXISTS { (f)-[:FROM]->(e) }
RETURN count(DISTINCT f) AS n
