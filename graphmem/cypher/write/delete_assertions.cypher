// returns: the scopes and the episodes that lost one. Names that nobody speaks of any more go too.
UNWIND $ids AS id
MATCH (a:MemoryAssertion {id: id})
OPTIONAL MATCH (a)-[:SPEAKS_OF]->(m:MemoryName)
WITH a, a.scope AS scope, a.episode_id AS episode, collect(m) AS names
DETACH DELETE a
WITH scope, episode, names
FOREACH (m IN [m IN names WHERE NOT EXISTS { (m)--() }] | DELETE m)
RETURN collect(DISTINCT scope) AS scopes, collect(DISTINCT episode) AS episodes
