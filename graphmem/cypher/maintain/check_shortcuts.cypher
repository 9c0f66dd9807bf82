// Shortcuts whose fact no longer holds, is not there, or is about others.
MATCH (s:MemoryEntity)-[r]->(o:MemoryEntity) WHERE ($scopes IS NULL OR s.scope IN $scopes) AND r.fact_id IS NOT NULL
  AND NOT EXISTS { MATCH (f:MemoryFact) WHERE f.scope = s.scope AND f.id = r.fact_id AND f.recorded_at IS NOT NULL
                   AND f.status = 'active' AND f.retired_at = $forever AND f.valid_to = $forever
                   AND f.subject_id = s.id AND f.object_id = o.id AND f.predicate = r.predicate }
RETURN count(r) AS n
