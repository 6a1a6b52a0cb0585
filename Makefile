# The words of this house. `make up` is all a visitor needs; the environment makes itself from the lock file.

PYTHON ?= python3
BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never $(BIN)/uv
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help up demo test test-unit check fmt lock shots chaos bench clean environment environment-dev

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: environment ## start Pointsman: the board, the gateway, the engine, the workers
	@exec $(BIN)/pointsman up $(ARGS)

demo: environment ## the same, with four agents at work on a small project (no key, no network)
	@exec $(BIN)/pointsman up --demo $(ARGS)

test: check ## everything: checks, unit, contract, integration and browser tests
	$(BIN)/python deploy/browser.py
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-unit: environment-dev ## what needs no process and no socket (under a minute)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" tests/unit tests/contract $(ARGS)

check: environment-dev ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: environment-dev ## format and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: environment-dev ## resolve the dependencies anew, with hashes and without hosts
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

shots: environment-dev ## take the screenshots of docs/images from a running demo
	$(BIN)/python deploy/shots.py $(ARGS)

chaos: environment-dev ## kill every process at random while agents and people work, and compare the books
	$(BIN)/python -m tests.chaos $(ARGS)

bench: environment-dev ## measure the gateway's hot path
	$(BIN)/python bench/run.py $(ARGS)

bench-tasks: environment-dev ## measure tasks: transitions, what others see when, a long history, a graph of a thousand
	$(BIN)/python -m bench.transitions
	$(BIN)/python -m bench.visible
	$(BIN)/python -m bench.history
	$(BIN)/python -m bench.dag

clean: ## remove the environment and what tools left (never the home)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

environment:
	@$(PYTHON) deploy/environment.py

environment-dev:
	@$(PYTHON) deploy/environment.py --dev
