"""Where sessions and their event log live."""
