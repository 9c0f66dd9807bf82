// Sessions by the episodes that had happened, in the order they began.
MATCH (e:MemoryEpisode) WHERE e.session_id IS NOT NULL AND e.seq IS NOT NULL AND
// include: fragment/episode_live
WITH e.scope AS scope, e.session_id AS session, min(e.occurred_at) AS start, max(e.occurred_at) AS end, min(e.seq) AS seq
ORDER BY start, seq, session
RETURN collect([session, start.epochSeconds * 1000000 + start.microsecond, end.epochSeconds * 1000000 + end.microsecond]) AS rows
