// A page of one scope's episodes, with what recall is told of each (memory_episode_scope).
MATCH (e:MemoryEpisode) WHERE e.scope = $scope AND e.id > $cursor
WITH e ORDER BY e.scope, e.id LIMIT 500
RETURN collect([
// include: fragment/episode_row
, e.candidate, e.tokens]) AS rows
