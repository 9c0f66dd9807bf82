DROP INDEX memory_episode_text IF EXISTS
