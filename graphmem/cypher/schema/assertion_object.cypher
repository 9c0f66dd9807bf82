// What is said that names an entity.
CREATE INDEX memory_assertion_object IF NOT EXISTS FOR (n:MemoryAssertion) ON (n.object_id)
