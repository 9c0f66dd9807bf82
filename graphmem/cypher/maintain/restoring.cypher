// The mark of a database that is being filled; null takes it away.
MATCH (n:MemorySchema {id: 'graphmem'}) SET n.restoring = $mark
