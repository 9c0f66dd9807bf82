UNWIND $ids AS id
MATCH (w:MemoryWindow)-[:WINDOW_OF]->(:MemoryEpisode {id: id}) WHERE w.embedding___slot__ IS NOT NULL
DETACH DELETE w
