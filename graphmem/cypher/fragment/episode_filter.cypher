$f_episodes AND ($f_source IS NULL OR e.source_class = $f_source)
AND ($f_session IS NULL OR e.session_id = $f_session)
AND ($f_entity IS NULL OR EXISTS {
  MATCH (x:MemoryAssertion) WHERE x.episode_id = e.id AND $f_entity IN [x.subject_id, x.object_id]
})
AND e.occurred_at >= $f_occurred_from AND e.occurred_at < $f_occurred_to
AND e.occurred_at >= $f_valid_from AND e.occurred_at < $f_valid_to
AND e.recorded_at >= $f_recorded_from AND e.recorded_at < $f_recorded_to
AND all(pair IN $f_metadata WHERE pair IN e.metadata_pairs)
