"""The REST service, over a real memory in a file."""
