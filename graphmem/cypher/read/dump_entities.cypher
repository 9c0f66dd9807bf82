MATCH (n:MemoryEntity) WHERE n.scope = $scope AND n.id > $cursor
WITH n ORDER BY n.scope, n.id LIMIT 500
RETURN collect(
// include: fragment/entity_row
) AS rows
