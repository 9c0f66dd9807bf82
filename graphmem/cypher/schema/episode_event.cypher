// Finds an episode by the id that its writer gave the event.
CREATE INDEX memory_episode_event IF NOT EXISTS FOR (n:MemoryEpisode) ON (n.event_id)
