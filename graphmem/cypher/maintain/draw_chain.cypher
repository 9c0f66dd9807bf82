// Has NEXT lead from each of these episodes to the one after it in its session, and nowhere else (memory_episode_chain).
UNWIND $ids AS id
MATCH (e:MemoryEpisode {id: id})
CALL (e) { MATCH (e)-[r:NEXT]->() DELETE r }
CALL (e) {
    MATCH (x:MemoryEpisode) WHERE x.scope = e.scope AND x.session_id = e.session_id AND x.seq > e.seq
    WITH e, x ORDER BY x.scope, x.session_id, x.seq LIMIT 1
    CREATE (e)-[:NEXT]->(x)
}
