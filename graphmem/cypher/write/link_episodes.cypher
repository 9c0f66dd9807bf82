// Puts episodes into the chain of their session, by seq: each beside those that stand next to it now.
UNWIND $ids AS id
MATCH (e:MemoryEpisode {id: id})
CALL (e) {
    OPTIONAL MATCH (x:MemoryEpisode) WHERE x.scope = e.scope AND x.session_id = e.session_id AND x.seq < e.seq
    RETURN x AS before ORDER BY x.scope DESC, x.session_id DESC, x.seq DESC LIMIT 1
}
CALL (e) {
    OPTIONAL MATCH (x:MemoryEpisode) WHERE x.scope = e.scope AND x.session_id = e.session_id AND x.seq > e.seq
    RETURN x AS after ORDER BY x.scope, x.session_id, x.seq LIMIT 1
}
CALL (e, before, after) {
    OPTIONAL MATCH (before)-[old:NEXT]->(x) WHERE x <> e
    OPTIONAL MATCH (y)-[older:NEXT]->(after) WHERE y <> e
    DELETE old, older
}
FOREACH (_ IN CASE WHEN before IS NULL THEN [] ELSE [1] END | MERGE (before)-[:NEXT]->(e))
FOREACH (_ IN CASE WHEN after IS NULL THEN [] ELSE [1] END | MERGE (e)-[:NEXT]->(after))
