// A page of everybody's episodes, with what recall is told of each (memory_episode_id).
MATCH (e:MemoryEpisode) WHERE e.id > $cursor
WITH e ORDER BY e.id LIMIT 500
RETURN collect([
// include: fragment/episode_row
, e.candidate, e.tokens]) AS rows
