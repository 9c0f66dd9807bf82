"""Real Neo4j servers for tests and for people, of the release lines that graphmem supports.

``server.Server`` runs one from its Maven artifacts, in a folder of its own and on loopback;
``docker.Container`` runs one in Docker; ``python -m graphmem.testing.neo4j`` keeps one for a
person. POSIX only. Knows nothing of graphmem's graph: a server is empty when it first starts.
"""
