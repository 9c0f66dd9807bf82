// One node says which schema this is.
CREATE CONSTRAINT memory_schema_version IF NOT EXISTS FOR (n:MemorySchema) REQUIRE (n.id) IS UNIQUE
