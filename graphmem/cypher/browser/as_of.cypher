// What held on a day?
// :param name => 'Ada'
// :param date => '2023-06-01'
// As it is known now. Arrows between entities stand for today: "Connect result nodes" may add some.
// params: scope, name, date. returns: paths. indexes: memory_name, memory_fact_subject, memory_fact_object.
MATCH (:MemoryName {scope: $scope, name: toLower(trim($name))})-[:NAMES]->(n:MemoryEntity)
WITH n, datetime(toString($date)) AS day
CALL (n, day) {
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(subject_id, retired_at, recorded_at)
    WHERE f.subject_id = n.id AND f.retired_at > datetime() AND f.recorded_at <= datetime()
      AND NOT f.status IN ['quarantined', 'supposed'] AND f.valid_from <= day AND f.valid_to > day
    RETURN f
    ORDER BY f.subject_id DESC, f.retired_at DESC, f.recorded_at DESC
    LIMIT 50
  UNION
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(object_id, retired_at, recorded_at)
    WHERE f.object_id = n.id AND f.retired_at > datetime() AND f.recorded_at <= datetime()
      AND NOT f.status IN ['quarantined', 'supposed'] AND f.valid_from <= day AND f.valid_to > day
    RETURN f
    ORDER BY f.object_id DESC, f.retired_at DESC, f.recorded_at DESC
    LIMIT 50
}
MATCH about = (f)-[:SUBJECT]->(:MemoryEntity)
RETURN about, COLLECT { MATCH of = (f)-[:OBJECT]->(:MemoryEntity) RETURN of } AS of
LIMIT 100
