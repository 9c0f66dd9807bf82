"""Models that put hits into another order, or a question into other words: all optional."""
