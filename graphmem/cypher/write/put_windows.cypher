UNWIND $rows AS row
MATCH (e:MemoryEpisode {id: row.id})
UNWIND row.more AS v
CREATE (w:MemoryChunk:MemoryWindow {scope: e.scope, occurred_at: e.occurred_at, recorded_at: e.recorded_at, name: 'window'})-[:WINDOW_OF]->(e)
WITH w, v
CALL db.create.setNodeVectorProperty(w, 'embedding___slot__', v)
