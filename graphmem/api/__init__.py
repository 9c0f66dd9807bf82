"""The REST service: the manager's verbs over HTTP, and no logic of its own."""
