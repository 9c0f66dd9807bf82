// These episodes, whosever they are (memory_episode_id).
MATCH (e:MemoryEpisode) WHERE e.id IN $ids
RETURN collect(
// include: fragment/episode_row
) AS rows
