DROP INDEX memory_fact_text IF EXISTS
