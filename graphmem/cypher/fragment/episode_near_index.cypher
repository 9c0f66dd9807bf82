// The vector arm by an index that knows no scope: what is nearest of all is asked for, $over of it, and
// what is another's left out. Where too little is left, fragment/episode_near_exact answers instead.
WITH * WHERE $vector IS NOT NULL AND $f_episodes AND NOT exact
CALL db.index.vector.queryNodes('memory_episode_vector___slot__', $episode_over, $vector) YIELD node AS c, score AS s
WITH c, s WHERE c.scope IN $scopes
WITH CASE WHEN c:MemoryWindow THEN COLLECT { MATCH (c)-[:WINDOW_OF]->(whole:MemoryEpisode) RETURN whole }[0] ELSE c END AS e, s
WHERE
// include: fragment/episode_live
AND
// include: fragment/episode_filter
WITH e, max(s) AS s
// include: fragment/episode_nearest
