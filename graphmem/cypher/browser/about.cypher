// What do we know about …?
// :param name => 'Ada'
// What holds now, the newest first: arrows between entities, and as grey facts what has no other end.
// params: scope, name. returns: paths. indexes: memory_name, memory_fact_subject, memory_fact_object.
MATCH (:MemoryName {scope: $scope, name: toLower(trim($name))})-[:NAMES]->(n:MemoryEntity)
CALL (n) {
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(subject_id, retired_at, recorded_at)
    WHERE f.subject_id = n.id AND f.retired_at > datetime() AND f.recorded_at <= datetime()
      AND NOT f.status IN ['quarantined', 'supposed'] AND f.valid_from <= datetime() AND f.valid_to > datetime()
    RETURN f
    ORDER BY f.subject_id DESC, f.retired_at DESC, f.recorded_at DESC
    LIMIT 50
  UNION
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(object_id, retired_at, recorded_at)
    WHERE f.object_id = n.id AND f.retired_at > datetime() AND f.recorded_at <= datetime()
      AND NOT f.status IN ['quarantined', 'supposed'] AND f.valid_from <= datetime() AND f.valid_to > datetime()
    RETURN f
    ORDER BY f.object_id DESC, f.retired_at DESC, f.recorded_at DESC
    LIMIT 50
}
OPTIONAL MATCH arrow = (:MemoryEntity {id: f.subject_id})-[r]->(:MemoryEntity {id: f.object_id})
WHERE r.fact_id = f.id
RETURN coalesce(arrow, head(COLLECT { MATCH fact = (f)-[:SUBJECT]->(:MemoryEntity) RETURN fact })) AS known
LIMIT 100
