"""Where the memory itself lives."""
