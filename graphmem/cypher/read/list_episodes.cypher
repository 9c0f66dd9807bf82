MATCH (e:MemoryEpisode) WHERE e.id > $cursor AND
// include: fragment/episode_live
AND
// include: fragment/episode_filter
WITH e ORDER BY e.id LIMIT $limit
RETURN collect(
// include: fragment/episode_row
) AS rows
