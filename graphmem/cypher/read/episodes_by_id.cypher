CALL () {
    MATCH (e:MemoryEpisode) WHERE e.id IN $ids RETURN e
  UNION
    MATCH (e:MemoryEpisode) WHERE e.event_id IN $ids RETURN e
}
WITH e WHERE e.scope IN $scopes
WITH e ORDER BY e.seq, e.id
RETURN collect(
// include: fragment/episode_row
) AS rows
