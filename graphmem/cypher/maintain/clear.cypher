// What is left in a database that somebody has looked at, or emptied.
MATCH (n:MemoryModel|MemoryStream|MemoryName|MemoryWindow) DETACH DELETE n
