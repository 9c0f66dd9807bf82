// One fence and its watermarks a stream: the lock of its writers.
CREATE CONSTRAINT memory_stream IF NOT EXISTS FOR (n:MemoryStream) REQUIRE (n.stream) IS UNIQUE
