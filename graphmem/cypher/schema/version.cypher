// Which schema this is, null before the first time; and whether a memory is being moved in here.
OPTIONAL MATCH (n:MemorySchema {id: 'graphmem'}) RETURN n.version AS version, n.restoring AS restoring
