// The newest facts about an entity, however many there are.
CREATE INDEX memory_fact_subject IF NOT EXISTS FOR (n:MemoryFact) ON (n.subject_id, n.retired_at, n.recorded_at)
