// Schema 2: terms carry their scope's mark, so that full text is searched scope by scope. As graph/neo4j_rows.py writes them.
// params: mark, its length
MATCH (n:MemoryFact) WHERE n.scope IS NOT NULL AND n.terms IS NOT NULL AND n.tokens IS NULL
CALL (n) {
  WITH n, left(n.scope, $mark) AS mark
  SET n.tokens = CASE n.terms WHEN '' THEN '' ELSE mark + replace(n.terms, ' ', ' ' + mark) END
} IN TRANSACTIONS OF 2000 ROWS
