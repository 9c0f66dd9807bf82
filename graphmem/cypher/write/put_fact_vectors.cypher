// All versions of a fact have its vector.
UNWIND $rows AS row
MATCH (f:MemoryFact) WHERE f.id = row.id AND f.recorded_at IS NOT NULL
CALL db.create.setNodeVectorProperty(f, 'embedding___slot__', row.vector)
RETURN collect(DISTINCT f.scope) AS scopes
