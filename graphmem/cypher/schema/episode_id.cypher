// An episode is one event: writing it again finds it.
CREATE CONSTRAINT memory_episode_id IF NOT EXISTS FOR (n:MemoryEpisode) REQUIRE (n.id) IS UNIQUE
