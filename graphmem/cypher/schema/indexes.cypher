// What this database has of ours.
SHOW INDEXES YIELD name, type, state, options, properties, entityType
WHERE name STARTS WITH 'memory_' RETURN collect([name, type, state]) AS rows
