// Finds whom a merge took in.
CREATE INDEX memory_entity_same_as IF NOT EXISTS FOR (n:MemoryEntity) ON (n.same_as)
