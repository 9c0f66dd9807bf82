MATCH (w:MemoryWindow) WHERE w.embedding___slot__ IS NOT NULL
WITH w LIMIT $limit
DETACH DELETE w
RETURN count(w) AS dropped
