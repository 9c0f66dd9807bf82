"""The conformance suites, one per port, and small real things to test a backend with."""
