// Recall keeps answers while this number stands.
UNWIND $rows AS row
MERGE (s:MemoryScope {key: row.key})
ON CREATE SET s.app = row.app, s.user = row.user, s.session = row.session, s.agent = row.agent, s.version = 0, s.name = coalesce(row.user, row.app)
SET s.version = s.version + 1
