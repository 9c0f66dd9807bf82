// Names that nobody bears any more go too: they are somebody's words.
UNWIND $ids AS id
MATCH (n:MemoryEntity {id: id})
OPTIONAL MATCH (m:MemoryName)--(n)
WITH n, n.scope AS scope, collect(m) AS names
DETACH DELETE n
WITH scope, names
FOREACH (m IN [m IN names WHERE NOT EXISTS { (m)--() }] | DELETE m)
RETURN collect(DISTINCT scope) AS scopes
