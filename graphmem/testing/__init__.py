"""The conformance suites, one per port, and small real things to test with. Shipped for backends."""
