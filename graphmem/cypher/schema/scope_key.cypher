// One counter of changes a scope.
CREATE CONSTRAINT memory_scope_key IF NOT EXISTS FOR (n:MemoryScope) REQUIRE (n.key) IS UNIQUE
