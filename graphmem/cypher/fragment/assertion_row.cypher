// An assertion as a row; the columns in the order of graph/rows.py.
[a.id, a.scope, a.event_id, a.episode_id, a.session_id, a.seq, a.ordinal, a.statement, a.extractor,
 a.source_class, a.origin, a.principal, a.occurred_at.epochSeconds * 1000000 + a.occurred_at.microsecond, a.recorded_at.epochSeconds * 1000000 + a.recorded_at.microsecond,
 a.subject_id, a.object_id, a.slot, a.quarantined, a.names]
