// The vectors of episodes in a slot, a page by id; of each the windows in their order.
MATCH (e:MemoryEpisode) WHERE e.id > $cursor AND e.embedding___slot__ IS NOT NULL
WITH e ORDER BY e.id LIMIT 300
RETURN collect([e.id, e.embedding___slot__, COLLECT {
    MATCH (w:MemoryWindow)-[:WINDOW_OF]->(e) WHERE w.embedding___slot__ IS NOT NULL
    RETURN w.embedding___slot__ ORDER BY w.ordinal
}]) AS rows
