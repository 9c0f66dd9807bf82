// A page of one scope's episodes (memory_episode_scope).
MATCH (e:MemoryEpisode) WHERE e.scope = $scope AND e.id > $cursor
WITH e ORDER BY e.scope, e.id LIMIT 500
WITH collect(e) AS page
// include: fragment/amiss_episodes
