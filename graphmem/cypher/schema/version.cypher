// Which schema this is; null before the first time.
OPTIONAL MATCH (n:MemorySchema {id: 'graphmem'}) RETURN n.version AS version
