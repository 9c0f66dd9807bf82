// A fact's versions, whatever its scope.
CREATE INDEX memory_fact_id IF NOT EXISTS FOR (n:MemoryFact) ON (n.id, n.recorded_at)
