// Of the fact versions of a page: what is not drawn around them as it should be.
// returns: last and since, and [id, scope, recorded_at]: links (FROM, SUBJECT, OBJECT), undrawn (shortcuts).
WITH page, page[size(page) - 1] AS end
CALL (page) {
UNWIND page AS f
WITH f,
  COLLECT { UNWIND f.episodes AS id MATCH (e:MemoryEpisode) WHERE e.id = id RETURN e.id ORDER BY e.id } AS read,
  COLLECT { MATCH (f)-[:FROM]->(e) RETURN e.id ORDER BY e.id } AS read_from,
  COLLECT { MATCH (f)-[r:FROM]->(e) RETURN coalesce(e.session_id, '') + ' ' + coalesce(e.seq, 0) ORDER BY r.ordinal LIMIT 1 } AS first,
  COLLECT { MATCH (n:MemoryEntity) WHERE n.id = f.subject_id RETURN n.id } AS subject,
  COLLECT { MATCH (f)-[:SUBJECT]->(n) RETURN n.id } AS of,
  COLLECT { MATCH (n:MemoryEntity) WHERE n.id = f.object_id RETURN n.id } AS object,
  COLLECT { MATCH (f)-[:OBJECT]->(n) RETURN n.id } AS to
WITH f, read <> read_from OR subject <> of OR object <> to
  OR (size(first) = 1 AND first[0] <> coalesce(f.session_id, '') + ' ' + coalesce(f.seq, 0)) AS loose,
  f.status = 'active' AND f.retired_at = $forever AND f.valid_to = $forever AND size(subject) = 1 AND size(object) = 1
  AND NOT EXISTS {
    MATCH (s:MemoryEntity)-[r]->(o:MemoryEntity)
    WHERE s.id = f.subject_id AND o.id = f.object_id AND r.fact_id = f.id AND r.predicate = f.predicate
  } AS undrawn
WITH [f.id, f.scope, f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond] AS key, loose, undrawn
RETURN collect(CASE WHEN loose THEN key END) AS links, collect(CASE WHEN undrawn THEN key END) AS undrawn
}
RETURN end.id AS last, end.recorded_at.epochSeconds * 1000000 + end.recorded_at.microsecond AS since, links, undrawn
