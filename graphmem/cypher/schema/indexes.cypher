// What this database has of ours; the dimension of vector indexes.
SHOW INDEXES YIELD name, type, state, options
WHERE name STARTS WITH 'memory_'
RETURN collect([name, type, state, options['indexConfig']['vector.dimensions']]) AS rows
