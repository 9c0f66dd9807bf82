from hypothesis import settings

pytest_plugins = ["tests.litellm_clients", "tests.neo4j_servers"]

# For tests that try few examples in an ordinary run: --hypothesis-profile=long --timeout=0.
settings.register_profile("long", max_examples=400)
