// Lists the entities of a scope by id.
CREATE INDEX memory_entity_scope IF NOT EXISTS FOR (n:MemoryEntity) ON (n.scope, n.id)
