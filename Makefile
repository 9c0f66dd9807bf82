# The contributor's manual: `make help`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
LINE ?= 2026

.DEFAULT_GOAL := help
.PHONY: help demo test serve neo4j lint types arch bench eval lock fmt clean

help: ## List what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# A lock is whole, so nothing else is looked for: pip would ask what is newest of an extra that a
# package names (`coverage[toml]`), and refuse that for want of a hash. uv is used where it is found.
locked = $(if $(shell command -v uv 2>/dev/null),VIRTUAL_ENV=$(VENV) uv pip install -q,$(BIN)/python -m pip install -q --no-compile --disable-pip-version-check) --no-deps --require-hashes

# Two steps, so that the demo needs the core alone.
$(VENV)/.core: requirements/core.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(locked) -r requirements/core.txt -r requirements/build.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements/dev.txt
	@$(locked) -r requirements/dev.txt
	@touch $@

# The optional models, for the tests marked `extras`.
$(VENV)/.extras: $(VENV)/.dev requirements/extras.txt
	@$(locked) -r requirements/extras.txt
	@touch $@

# A Java for local Neo4j servers: the machine's own, where it has one that is new enough.
$(VENV)/.java: $(VENV)/.dev requirements/java.txt
	@$(BIN)/python -m graphmem.testing.neo4j --find-java >/dev/null 2>&1 || $(locked) -r requirements/java.txt
	@touch $@

demo: $(VENV)/.core ## The main job as a story: a conversation becomes memory (no key, no server)
	@$(BIN)/graphmem demo

test: $(VENV)/.java ## All tests, the house rules, and 85 % branch coverage
	@$(BIN)/python -m pytest -n auto --dist worksteal --cov=graphmem --cov-branch --cov-report=term:skip-covered --cov-fail-under=85

serve: $(VENV)/.dev ## The REST service on GRAPHMEM_API_HOST:GRAPHMEM_API_PORT
	@$(BIN)/graphmem serve

neo4j: $(VENV)/.java ## A Neo4j server with its Browser and the demo memory, until Ctrl-C (LINE=5.26 for that one)
	@$(BIN)/python -m graphmem.testing.neo4j --line $(LINE) \
		--setting "$$($(BIN)/graphmem browser --conf --app demo --user ada)" \
		-- sh -c '$(BIN)/graphmem ingest graphmem/assets/demo.jsonl --app demo --user ada --session demo \
			--store "$$0" --log sqlite:///.neo4j/log-$(LINE).db && \
			$(BIN)/graphmem browser .neo4j --app demo --user ada' '{uri}'

lint: $(VENV)/.dev ## ruff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

fmt: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format .

types: $(VENV)/.dev ## pyright, strict
	@$(BIN)/pyright

arch: $(VENV)/.dev ## Who may import whom
	@$(BIN)/lint-imports

bench: $(VENV)/.dev ## Speed, measured side by side; writes no file
	@$(BIN)/python -m tests.bench

eval: $(VENV)/.core ## Quality on LoCoMo (DATA=folder that holds locomo10.json)
	@$(BIN)/graphmem eval locomo --data $(DATA)

lock: ## Resolve the dependencies again (needs uv), with hashes and without host names
	@uv lock -q --exclude-newer "$$(date -u -d '7 days ago' +%Y-%m-%dT00:00:00Z)"
	@uv export -q --no-dev --no-emit-project --no-annotate --no-header -o requirements/core.txt
	@uv export -q --group dev --extra server --extra neo4j --no-emit-project --no-annotate --no-header -o requirements/dev.txt
	@uv export -q --no-dev --group compare --extra st --extra llm --no-emit-project --no-annotate --no-header -o requirements/extras.txt
	@uv export -q --no-dev --extra server --extra neo4j --no-emit-project --no-annotate --no-header -o requirements/service.txt
	@uv export -q --only-group java --no-emit-project --no-annotate --no-header -o requirements/java.txt
	@uv export -q --only-group build --no-emit-project --no-annotate --no-header -o requirements/build.txt
	@rm -f uv.lock

clean: ## Remove what was built here
	@rm -rf $(VENV) dist build .pytest_cache .ruff_cache .coverage
