// Facts that hold between two entities and are not drawn.
MATCH (s:MemoryEntity)<-[:SUBJECT]-(f:MemoryFact)-[:OBJECT]->(o:MemoryEntity)
WHERE ($scopes IS NULL OR f.scope IN $scopes) AND f.status = 'active' AND f.retired_at = $forever AND f.valid_to = $forever
  AND NOT EXISTS { MATCH (s)-[r]->(o) WHERE r.fact_id = f.id }
RETURN count(f) AS n
