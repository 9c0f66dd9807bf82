// What holds between two entities now, drawn between them: derived, for whoever looks, never read by recall.
// The type is the predicate where it is a plain word, else RELATED; both from a parameter, none from a text.
UNWIND $rows AS row
MATCH (s:MemoryEntity {id: row.subject}), (o:MemoryEntity {id: row.object})
CALL (s, o, row) {
    OPTIONAL MATCH (s)-[r:$(row.type)]->(o) WHERE r.fact_id = row.id
    WITH collect(r) AS old
    FOREACH (r IN old | DELETE r)
}
CALL (s, o, row) {
    MATCH (f:MemoryFact) WHERE f.scope = row.scope AND f.id = row.id AND f.recorded_at IS NOT NULL AND f.status = 'active'
      AND f.retired_at = $forever AND f.valid_to = $forever
    WITH s, o, f, row LIMIT 1
    CREATE (s)-[r:$(row.type)]->(o)
    SET r.fact_id = row.id, r.predicate = row.predicate, r.since = CASE WHEN f.valid_from = $beginning THEN null ELSE f.valid_from END
}
