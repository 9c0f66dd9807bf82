// What is said about an entity.
CREATE INDEX memory_assertion_subject IF NOT EXISTS FOR (n:MemoryAssertion) ON (n.subject_id, n.predicate)
