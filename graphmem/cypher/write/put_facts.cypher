// One node a version; what it rests on, whom it is about and what it took the place of are drawn.
// returns: the episodes that a version rested on before it was put anew, and rests on no more.
UNWIND $rows AS row
MERGE (f:MemoryFact {scope: row.scope, id: row.id, recorded_at: row.recorded_at})
SET f:Memory, f += row.properties
WITH f, row
CALL (f) {
    OPTIONAL MATCH (f)-[old:FROM|SUBJECT|OBJECT|SUPERSEDES|CONTRADICTS]->(x)
    WITH collect(old) AS olds, collect(CASE WHEN x:MemoryEpisode THEN x.id END) AS before
    FOREACH (old IN olds | DELETE old)
    RETURN before
}
CALL (f, row) {
    UNWIND row.support AS s
    MATCH (e:MemoryEpisode {id: s.episode_id})
    CREATE (f)-[:FROM {ordinal: s.ordinal, assertion_id: s.assertion_id, event_id: s.event_id, quote: s.quote, polarity: s.polarity, name: 'from'}]->(e)
    WITH f, e, s ORDER BY s.ordinal
    WITH f, collect(e) AS read, max(e.occurred_at) AS occurred
    SET f.seq = read[0].seq, f.session_id = read[0].session_id, f.author = read[0].author,
        f.occurred = occurred.epochSeconds * 1000000 + occurred.microsecond
}
CALL (f, row) {
    MATCH (n:MemoryEntity {id: row.subject_id})
    CREATE (f)-[:SUBJECT]->(n)
}
CALL (f, row) {
    MATCH (n:MemoryEntity {id: row.object_id})
    CREATE (f)-[:OBJECT]->(n)
}
UNWIND CASE WHEN size(before) = 0 THEN [null] ELSE before END AS episode
RETURN collect(DISTINCT episode) AS episodes
