// The kind is a further label, of a closed set. Names that it no longer bears go.
UNWIND $rows AS row
MERGE (n:MemoryEntity {id: row.id})
SET n:Memory, n += row.properties
REMOVE n:MemoryPerson:MemoryOrganization:MemoryPlace:MemoryThing:MemoryHappening:MemoryConcept
SET n:$(row.label)
WITH n, row
OPTIONAL MATCH (m:MemoryName)-[r:NAMES]->(n) WHERE NOT m.name IN row.names
WITH collect(r) AS gone, collect(m) AS names
FOREACH (r IN gone | DELETE r)
WITH names
UNWIND names AS m
WITH m WHERE NOT EXISTS { (m)--() }
DELETE m
