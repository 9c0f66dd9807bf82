// A node is one version of a fact. Also finds all versions of a fact, and lists a scope by id.
CREATE CONSTRAINT memory_fact_version IF NOT EXISTS FOR (n:MemoryFact) REQUIRE (n.scope, n.id, n.recorded_at) IS UNIQUE
