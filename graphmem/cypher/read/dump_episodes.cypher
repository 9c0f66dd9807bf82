MATCH (e:MemoryEpisode) WHERE e.scope = $scope AND e.id > $cursor
WITH e ORDER BY e.scope, e.id LIMIT 500
RETURN collect(
// include: fragment/episode_row
) AS rows
