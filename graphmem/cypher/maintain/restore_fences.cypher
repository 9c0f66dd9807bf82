// params: rows of stream, fence (memory_stream).
UNWIND $rows AS row
MERGE (s:MemoryStream {stream: row.stream}) ON CREATE SET s.name = 'stream'
SET s.fence = row.fence
