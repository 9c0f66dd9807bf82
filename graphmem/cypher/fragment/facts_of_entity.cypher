// The newest facts about an entity and those that name it: two seeks, whatever the entity's degree.
// Ordered by all of an index, in one direction, so that nothing is sorted but what is as old.
CALL (who) {
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(subject_id, retired_at, recorded_at)
    WHERE f.subject_id = who AND f.retired_at > $known_at
      AND ($predicates IS NULL OR f.predicate IN $predicates) AND
// include: fragment/fact_live
    RETURN f ORDER BY f.subject_id DESC, f.retired_at DESC, f.recorded_at DESC, f.id DESC LIMIT $limit
  UNION
    MATCH (f:MemoryFact) USING INDEX f:MemoryFact(object_id, retired_at, recorded_at)
    WHERE f.object_id = who AND f.retired_at > $known_at
      AND ($predicates IS NULL OR f.predicate IN $predicates) AND
// include: fragment/fact_live
    RETURN f ORDER BY f.object_id DESC, f.retired_at DESC, f.recorded_at DESC, f.id DESC LIMIT $limit
}
