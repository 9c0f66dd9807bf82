// params: rows of stream, episodes, facts; null leaves what is there (memory_stream).
UNWIND $rows AS row
MERGE (s:MemoryStream {stream: row.stream}) ON CREATE SET s.name = 'stream'
SET s.episodes = coalesce(row.episodes, s.episodes), s.facts = coalesce(row.facts, s.facts)
