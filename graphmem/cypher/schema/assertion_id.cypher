// An assertion is written once.
CREATE CONSTRAINT memory_assertion_id IF NOT EXISTS FOR (n:MemoryAssertion) REQUIRE (n.id) IS UNIQUE
