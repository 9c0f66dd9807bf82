// Whether a memory could be moved in here. Counts that the store keeps.
CALL () { MATCH (e:MemoryEpisode) RETURN count(e) AS episodes }
CALL () { MATCH (n:MemoryEntity) RETURN count(n) AS entities }
CALL () { MATCH (a:MemoryAssertion) RETURN count(a) AS assertions }
CALL () { MATCH (f:MemoryFact) RETURN count(f) AS facts }
RETURN episodes, entities, assertions, facts
