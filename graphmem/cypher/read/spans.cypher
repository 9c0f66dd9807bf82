// What touches entities outside some episodes: how much, and when the first and the last was recorded.
UNWIND $entity_ids AS id
CALL (id) {
    MATCH (a:MemoryAssertion) WHERE a.subject_id = id AND a.predicate IS NOT NULL AND a.predicate <> 'same_as' AND NOT a.episode_id IN $episode_ids RETURN a
  UNION
    MATCH (a:MemoryAssertion) WHERE a.object_id = id AND a.predicate <> 'same_as' AND NOT a.episode_id IN $episode_ids RETURN a
}
WITH id, count(a) AS n, min(a.recorded_at) AS first, max(a.recorded_at) AS last
RETURN collect([id, n, first.epochSeconds * 1000000 + first.microsecond, last.epochSeconds * 1000000 + last.microsecond]) AS rows
