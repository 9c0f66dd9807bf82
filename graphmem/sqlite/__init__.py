"""What the two SQLite adapters share: the connection, its pragmas, the schema and its times."""
