// returns: the scopes that lost an episode.
UNWIND $ids AS id
MATCH (e:MemoryEpisode {id: id})
OPTIONAL MATCH (w:MemoryWindow)-[:WINDOW_OF]->(e)
WITH e, e.scope AS scope, collect(w) AS windows
FOREACH (w IN windows | DETACH DELETE w)
DETACH DELETE e
RETURN collect(DISTINCT scope) AS scopes
