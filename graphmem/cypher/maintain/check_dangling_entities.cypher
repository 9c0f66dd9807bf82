MATCH (f:MemoryFact)
WHERE ($scopes IS NULL OR f.scope IN $scopes) AND (NOT EXISTS { MATCH (n:MemoryEntity) WHERE n.id = f.subject_id }
   OR (f.object_id IS NOT NULL AND NOT EXISTS { MATCH (n:MemoryEntity) WHERE n.id = f.object_id }))
RETURN count(f) AS n
