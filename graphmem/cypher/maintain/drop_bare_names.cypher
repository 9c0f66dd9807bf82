// Takes away what check_bare_names counts, a part at a time.
MATCH (m:MemoryName) WHERE NOT EXISTS { (m)--() }
WITH m LIMIT $limit
DELETE m
RETURN count(*) AS dropped
