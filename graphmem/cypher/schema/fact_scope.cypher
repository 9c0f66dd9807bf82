// What is believed in a scope: the exact search of small scopes.
CREATE INDEX memory_fact_scope IF NOT EXISTS FOR (n:MemoryFact) ON (n.scope, n.retired_at)
