// A new version of a fact whose text has a vector has it too.
UNWIND $ids AS id
MATCH (f:MemoryFact) WHERE f.scope = $scope AND f.id = id AND f.recorded_at IS NOT NULL AND f.embedding___slot__ IS NULL
MATCH (old:MemoryFact) WHERE old.scope = $scope AND old.id = id AND old.recorded_at IS NOT NULL AND old.embedding___slot__ IS NOT NULL
SET f.embedding___slot__ = old.embedding___slot__
