// An entity is found by its id.
CREATE CONSTRAINT memory_entity_id IF NOT EXISTS FOR (n:MemoryEntity) REQUIRE (n.id) IS UNIQUE
