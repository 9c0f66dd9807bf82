// Whoever bears a name hangs on one node.
CREATE CONSTRAINT memory_name IF NOT EXISTS FOR (n:MemoryName) REQUIRE (n.scope, n.name) IS UNIQUE
