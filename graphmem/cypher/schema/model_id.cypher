// The embedding models whose vectors are here.
CREATE CONSTRAINT memory_model_id IF NOT EXISTS FOR (n:MemoryModel) REQUIRE (n.id) IS UNIQUE
