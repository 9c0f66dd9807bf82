// The text arm: what matches and passes, the engine's best $handed_over first.
WITH * WHERE $match IS NOT NULL AND $f_episodes
CALL db.index.fulltext.queryNodes('memory_episode_text', $match, {limit: $most}) YIELD node AS e
WITH e WHERE
// include: fragment/episode_live
AND
// include: fragment/episode_filter
WITH e AS x LIMIT $episode_handed
// include: fragment/bm25
UNWIND range(1, size(best[..$episode_text])) AS rank
RETURN best[rank - 1] AS e, 0 AS near, null AS s, 1.0 / ($rank_offset + rank) AS worth
