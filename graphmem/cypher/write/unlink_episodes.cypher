// Takes episodes out of the chain of their session; what stood on either side stands together.
// One row at a time, so that two neighbours can go.
UNWIND $ids AS id
CALL (id) {
    MATCH (e:MemoryEpisode {id: id})
    OPTIONAL MATCH (before:MemoryEpisode)-[p:NEXT]->(e)
    OPTIONAL MATCH (e)-[n:NEXT]->(after:MemoryEpisode)
    DELETE p, n
    FOREACH (_ IN CASE WHEN before IS NULL OR after IS NULL THEN [] ELSE [1] END | CREATE (before)-[:NEXT]->(after))
}
