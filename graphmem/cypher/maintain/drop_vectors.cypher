// The vectors of a model that is no longer in use, a batch at a time; returns how many are left for the next.
MATCH (n:Memory) WHERE n.embedding___slot__ IS NOT NULL
WITH n LIMIT $limit
REMOVE n.embedding___slot__
RETURN count(n) AS dropped
