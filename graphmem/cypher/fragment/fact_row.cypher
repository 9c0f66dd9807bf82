// A fact version as a row; the columns in the order of graph/rows.py.
[f.id, f.scope, f.slot, f.subject_id, f.predicate, f.object_id, f.value, f.text, f.terms, f.type, f.topic,
 f.status, f.confidence, f.importance, f.source_class, f.origin,
 f.valid_from.epochSeconds * 1000000 + f.valid_from.microsecond, f.valid_to.epochSeconds * 1000000 + f.valid_to.microsecond, f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond, f.retired_at.epochSeconds * 1000000 + f.retired_at.microsecond,
 f.supersedes, f.reason, f.contradicts, f.support]
