UNWIND $rows AS row
MATCH (e:MemoryEpisode {id: row.id})
UNWIND range(0, size(row.more) - 1) AS i
CREATE (w:MemoryChunk:MemoryWindow {scope: e.scope, ordinal: i + 1, occurred_at: e.occurred_at, recorded_at: e.recorded_at, name: 'window'})-[:WINDOW_OF]->(e)
WITH w, row.more[i] AS v
CALL db.create.setNodeVectorProperty(w, 'embedding___slot__', v)
