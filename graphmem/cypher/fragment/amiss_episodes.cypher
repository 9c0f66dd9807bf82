// Of the episodes of a page: what is not drawn around them as it should be.
// returns: last, and [id, scope]: mentions (MENTIONS), chain (NEXT after it), holding (slot and spans).
WITH page, page[size(page) - 1].id AS last
CALL (page) {
UNWIND page AS e
CALL (e) {
    MATCH (a:MemoryAssertion) WHERE a.episode_id = e.id AND a.slot IS NOT NULL AND a.polarity = 'affirm' AND NOT a.quarantined
    RETURN max(a.slot) AS slot, collect(a.id) AS affirmed
}
WITH e, slot,
  reduce(l = [], x IN COLLECT {
    MATCH (f:MemoryFact)-[r:FROM]->(e) WHERE f.status = 'active' AND r.assertion_id IN affirmed
    WITH DISTINCT f
    RETURN [f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond,
        f.retired_at.epochSeconds * 1000000 + f.retired_at.microsecond,
        f.valid_to.epochSeconds * 1000000 + f.valid_to.microsecond]
    ORDER BY f.recorded_at, f.id
  } | l + x) AS spans,
  COLLECT {
    MATCH (a:MemoryAssertion) WHERE a.episode_id = e.id
    UNWIND [a.subject_id, a.object_id] AS who
    WITH DISTINCT who WHERE who IS NOT NULL AND EXISTS { MATCH (n:MemoryEntity) WHERE n.id = who }
    RETURN who ORDER BY who
  } AS meant,
  COLLECT { MATCH (e)-[:MENTIONS]->(n) RETURN n.id ORDER BY n.id } AS mentioned,
  COLLECT {
    MATCH (x:MemoryEpisode) WHERE x.scope = e.scope AND x.session_id = e.session_id AND x.seq > e.seq
    RETURN x.id ORDER BY x.scope, x.session_id, x.seq LIMIT 1
  } AS follows,
  COLLECT { MATCH (e)-[:NEXT]->(x) RETURN x.id } AS next
RETURN
  collect(CASE WHEN meant <> mentioned THEN [e.id, e.scope] END) AS mentions,
  collect(CASE WHEN follows <> next THEN [e.id, e.scope] END) AS chain,
  collect(CASE WHEN coalesce(slot, '') <> coalesce(e.slot, '') OR spans <> coalesce(e.spans, []) THEN [e.id, e.scope] END) AS holding
}
RETURN last, mentions, chain, holding
