CALL () { MATCH (e:MemoryEpisode) WHERE e.scope IN $scopes AND e.id IS NOT NULL RETURN count(e) AS episodes }
CALL () { MATCH (n:MemoryEntity) WHERE n.scope IN $scopes AND n.id IS NOT NULL AND n.same_as IS NULL RETURN count(n) AS entities }
CALL () {
    MATCH (f:MemoryFact) WHERE f.scope IN $scopes AND f.retired_at IS NOT NULL
    RETURN count(DISTINCT CASE WHEN f.retired_at > $now AND f.valid_to > $now AND f.status = 'active' THEN f.id END) AS current,
           count(DISTINCT CASE WHEN f.retired_at > $now AND f.valid_to <= $now THEN f.id END) AS ended,
           count(f) AS versions,
           sum(CASE WHEN f.retired_at > $now AND f.status = 'conflict' THEN 1 ELSE 0 END) AS conflict,
           sum(CASE WHEN f.retired_at > $now AND f.status = 'quarantined' THEN 1 ELSE 0 END) AS quarantined,
           sum(CASE WHEN f.retired_at > $now AND f.status = 'supposed' THEN 1 ELSE 0 END) AS supposed
}
CALL () { MATCH (a:MemoryAssertion) WHERE a.scope IN $scopes AND a.id IS NOT NULL AND a.predicate <> 'mentioned' RETURN count(a) AS assertions }
RETURN [episodes, entities, current, ended, versions, conflict, quarantined, supposed, assertions] AS row
