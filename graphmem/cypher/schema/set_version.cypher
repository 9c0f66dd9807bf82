MERGE (n:MemorySchema {id: 'graphmem'}) SET n.version = $version, n.name = 'schema ' + $version
