// What is folded together.
CREATE INDEX memory_fact_slot IF NOT EXISTS FOR (n:MemoryFact) ON (n.slot)
