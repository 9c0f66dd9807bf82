// As for episodes; retired versions too, for what was known at a time.
CREATE FULLTEXT INDEX memory_fact_text IF NOT EXISTS FOR (n:MemoryFact) ON EACH [n.tokens]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}
