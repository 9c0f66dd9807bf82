// What recall needs of an episode beside itself: its slot, when the facts it states held, whom it mentions.
// spans: recorded, retired and end of each fact version behind what it affirms, in microseconds.
UNWIND $ids AS id
MATCH (e:MemoryEpisode {id: id})
CALL (e) {
    MATCH (a:MemoryAssertion) WHERE a.episode_id = e.id AND a.slot IS NOT NULL AND a.polarity = 'affirm' AND NOT a.quarantined
    RETURN max(a.slot) AS slot, collect(a.id) AS affirmed
}
CALL (e, affirmed) {
    MATCH (f:MemoryFact)-[r:FROM]->(e) WHERE f.status = 'active' AND r.assertion_id IN affirmed
    WITH DISTINCT f
    ORDER BY f.recorded_at, f.id
    RETURN reduce(l = [], x IN collect([f.recorded_at.epochSeconds * 1000000 + f.recorded_at.microsecond,
        f.retired_at.epochSeconds * 1000000 + f.retired_at.microsecond,
        f.valid_to.epochSeconds * 1000000 + f.valid_to.microsecond]) | l + x) AS spans
}
SET e.slot = slot, e.spans = spans
WITH e
CALL (e) {
    OPTIONAL MATCH (e)-[r:MENTIONS]->()
    WITH collect(r) AS old
    FOREACH (r IN old | DELETE r)
}
CALL (e) {
    MATCH (a:MemoryAssertion) WHERE a.episode_id = e.id
    UNWIND [a.subject_id, a.object_id] AS who
    WITH DISTINCT e, who WHERE who IS NOT NULL
    MATCH (n:MemoryEntity {id: who})
    CREATE (e)-[:MENTIONS]->(n)
}
