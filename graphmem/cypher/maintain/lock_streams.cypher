// Keeps the writers of these streams out until the end of the transaction (memory_stream).
MATCH (s:MemoryStream) WHERE s.stream IN $streams SET s.repairs = coalesce(s.repairs, 0) + 1
