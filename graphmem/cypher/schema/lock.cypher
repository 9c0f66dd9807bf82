// Who brings the schema up to date, or changes the model, does so alone.
MERGE (n:MemorySchema {id: 'graphmem'}) SET n.lock = true
RETURN n.version AS version, n.restoring AS restoring
