// Memories by id in one round trip: facts, episodes, entities.
CALL () {
    MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.id IN $ids AND f.recorded_at <= $known_at
    WITH f ORDER BY f.recorded_at DESC
    WITH f.scope AS scope, f.id AS id, collect(f)[0] AS f
    WITH f ORDER BY f.id
    RETURN collect(
// include: fragment/fact_row
    ) AS facts
}
CALL () {
    CALL () {
        MATCH (e:MemoryEpisode) WHERE e.id IN $ids RETURN e
      UNION
        MATCH (e:MemoryEpisode) WHERE e.event_id IN $ids RETURN e
    }
    WITH e WHERE e.scope IN $scopes
    WITH e ORDER BY e.seq, e.id
    RETURN collect(
// include: fragment/episode_row
    ) AS episodes
}
CALL () {
    MATCH (n:MemoryEntity) WHERE n.id IN $ids AND n.scope IN $scopes
    WITH n ORDER BY n.id
    RETURN collect(
// include: fragment/entity_row
    ) AS entities
}
RETURN facts, episodes, entities
