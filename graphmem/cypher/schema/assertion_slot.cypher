// What is folded together.
CREATE INDEX memory_assertion_slot IF NOT EXISTS FOR (n:MemoryAssertion) ON (n.slot)
