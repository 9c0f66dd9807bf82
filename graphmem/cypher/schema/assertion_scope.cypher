// Lists the assertions of a scope by id.
CREATE INDEX memory_assertion_scope IF NOT EXISTS FOR (n:MemoryAssertion) ON (n.scope, n.id)
