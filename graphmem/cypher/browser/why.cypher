// Why do we believe this?
// :param name => 'Ada'
// :param predicate => 'works_at'
// The facts behind an arrow, and the episodes that they were read from; the words are on FROM.
// params: scope, name, predicate. returns: paths. indexes: memory_name, memory_fact_subject.
MATCH (:MemoryName {scope: $scope, name: toLower(trim($name))})-[:NAMES]->(n:MemoryEntity)
CALL (n) {
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(subject_id, retired_at, recorded_at)
    WHERE f.subject_id = n.id AND f.retired_at > datetime() AND f.recorded_at <= datetime()
      AND toLower(f.predicate) = toLower(trim($predicate))
    RETURN f
    ORDER BY f.subject_id DESC, f.retired_at DESC, f.recorded_at DESC
    LIMIT 20
}
MATCH about = (f)-[:SUBJECT]->(n)
RETURN about,
       COLLECT { MATCH of = (f)-[:OBJECT]->(:MemoryEntity) RETURN of } AS of,
       COLLECT { MATCH read = (f)-[:FROM]->(:MemoryEpisode) RETURN read LIMIT 5 } AS read
