// The vector arm by an index that knows scopes and clocks: from 2026.06.
WITH * WHERE $vector IS NOT NULL AND $f_episodes AND NOT exact
MATCH (c:MemoryChunk)
SEARCH c IN (VECTOR INDEX memory_episode_search___slot__ FOR $vector
  WHERE c.scope IN $scopes AND c.occurred_at >= $f_occurred_from AND c.occurred_at <= $last AND c.recorded_at <= $known_at
  LIMIT $episode_beam) SCORE AS s
WITH CASE WHEN c:MemoryWindow THEN COLLECT { MATCH (c)-[:WINDOW_OF]->(whole:MemoryEpisode) RETURN whole }[0] ELSE c END AS e, s
WHERE
// include: fragment/episode_live
AND
// include: fragment/episode_filter
WITH e, max(s) AS s
// include: fragment/episode_nearest
