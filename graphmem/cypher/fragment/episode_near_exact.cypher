// The vector arm, exact: every vector of the scopes is looked at. UNWIND, since a mere WHERE is asked after the scan.
UNWIND CASE WHEN $vector IS NOT NULL AND $f_episodes AND exact THEN [1] ELSE [] END AS looking
MATCH (e:MemoryEpisode) WHERE e.id IS NOT NULL AND
// include: fragment/episode_live
AND
// include: fragment/episode_filter
WITH e WHERE e.embedding___slot__ IS NOT NULL
WITH e, CASE WHEN e.windows > 1 THEN reduce(best = vector.similarity.cosine(e.embedding___slot__, $vector), s IN
  COLLECT { MATCH (w:MemoryWindow)-[:WINDOW_OF]->(e) WHERE w.embedding___slot__ IS NOT NULL
            RETURN vector.similarity.cosine(w.embedding___slot__, $vector) } | CASE WHEN s > best THEN s ELSE best END)
  ELSE vector.similarity.cosine(e.embedding___slot__, $vector) END AS s
// include: fragment/episode_nearest
