// Community Edition has no constraint that a property is there; what has no key escapes the unique ones.
MATCH (n:Memory) WHERE $scopes IS NULL
  AND (n.scope IS NULL OR n.id IS NULL OR (n:MemoryFact AND n.recorded_at IS NULL) OR (n:MemoryEntity AND (n.key IS NULL OR n.name IS NULL OR n.kind IS NULL OR n.aliases IS NULL OR n.descriptors IS NULL
      OR n.created_at IS NULL OR n.updated_at IS NULL)))
RETURN count(n) AS n
