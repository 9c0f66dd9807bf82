// A page of everybody's episodes (memory_episode_id).
MATCH (e:MemoryEpisode) WHERE e.id > $cursor
WITH e ORDER BY e.id LIMIT 500
WITH collect(e) AS page
// include: fragment/amiss_episodes
