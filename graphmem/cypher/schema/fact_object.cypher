// The newest facts that name an entity, however many there are.
CREATE INDEX memory_fact_object IF NOT EXISTS FOR (n:MemoryFact) ON (n.object_id, n.retired_at, n.recorded_at)
