// The first window's vector is the episode's own; the others are nodes of their own: write/put_windows.
UNWIND $rows AS row
MATCH (e:MemoryEpisode {id: row.id})
SET e:MemoryChunk, e.windows = 1 + size(row.more)
WITH e, row
CALL db.create.setNodeVectorProperty(e, 'embedding___slot__', row.vector)
RETURN collect(DISTINCT e.scope) AS scopes
