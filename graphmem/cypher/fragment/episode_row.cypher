// An episode as a row; the columns in the order of graph/rows.py.
[e.id, e.scope, e.event_id, e.session_id, e.seq, e.role, e.author, e.text, e.terms,
 e.occurred_at.epochSeconds * 1000000 + e.occurred_at.microsecond, e.recorded_at.epochSeconds * 1000000 + e.recorded_at.microsecond, e.source_class, e.origin, e.metadata,
 COLLECT {
   MATCH (a:MemoryAssertion) WHERE a.episode_id = e.id
   UNWIND [a.subject_id, a.object_id] AS who
   WITH DISTINCT who WHERE who IS NOT NULL
   RETURN who ORDER BY who
 }]
