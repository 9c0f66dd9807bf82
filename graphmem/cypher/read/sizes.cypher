// How much these scopes hold, and all: from indexes and counters alone.
CALL () { MATCH (e:MemoryEpisode) WHERE e.scope IN $scopes AND e.id IS NOT NULL RETURN count(e) AS episodes }
CALL () { MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.retired_at IS NOT NULL RETURN count(f) AS facts }
CALL () { MATCH (:MemoryEpisode) RETURN count(*) AS all_episodes }
CALL () { MATCH (:MemoryFact) RETURN count(*) AS all_facts }
RETURN episodes + facts AS here, all_episodes + all_facts AS everywhere
