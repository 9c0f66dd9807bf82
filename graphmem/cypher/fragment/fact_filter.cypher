$f_facts AND ($f_type IS NULL OR f.type = $f_type) AND ($f_topic IS NULL OR f.topic = $f_topic)
AND ($f_predicate IS NULL OR f.predicate = $f_predicate)
AND ($f_source IS NULL OR f.source_class = $f_source)
AND f.importance >= $f_importance AND f.confidence >= $f_confidence
AND ($f_entity IS NULL OR $f_entity IN [f.subject_id, f.object_id])
AND f.valid_to > $f_valid_from AND f.valid_from < $f_valid_to
AND f.recorded_at >= $f_recorded_from AND f.recorded_at < $f_recorded_to
AND (NOT $f_by_episode OR EXISTS {
  MATCH (f)-[:FROM]->(x:MemoryEpisode)
  WHERE ($f_session IS NULL OR x.session_id = $f_session)
    AND x.occurred_at >= $f_occurred_from AND x.occurred_at < $f_occurred_to
    AND all(pair IN $f_metadata WHERE pair IN x.metadata_pairs)
})
