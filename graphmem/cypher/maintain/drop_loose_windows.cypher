// Takes away what check_loose_windows counts, a part at a time.
MATCH (w:MemoryWindow) WHERE NOT EXISTS { (w)-[:WINDOW_OF]->() }
WITH w LIMIT $limit
DELETE w
RETURN count(*) AS dropped
