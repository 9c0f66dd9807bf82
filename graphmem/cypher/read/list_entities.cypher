MATCH (n:MemoryEntity) WHERE n.id > $cursor AND n.scope IN $scopes AND $f_entities
  AND ($f_entity IS NULL OR n.id = $f_entity) AND n.importance >= $f_importance
  AND n.created_at >= $f_recorded_from AND n.created_at < $f_recorded_to AND n.same_as IS NULL
WITH n ORDER BY n.id LIMIT $limit
RETURN collect(
// include: fragment/entity_row
) AS rows
