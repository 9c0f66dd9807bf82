// Everybody's episodes, a page by id (memory_episode_id).
MATCH (e:MemoryEpisode) WHERE e.id > $cursor
WITH e ORDER BY e.id LIMIT 500
RETURN collect(
// include: fragment/episode_row
) AS rows
