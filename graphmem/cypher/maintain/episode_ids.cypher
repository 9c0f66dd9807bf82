// A page of everybody's episodes by id (memory_episode_id).
MATCH (e:MemoryEpisode) WHERE e.id > $cursor
WITH e ORDER BY e.id LIMIT 500
RETURN collect([e.id]) AS rows
