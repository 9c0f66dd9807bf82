UNWIND $rows AS row
MERGE (e:MemoryEpisode {id: row.id})
SET e:Memory, e += row.properties
