# Osiris: the two commands are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
.PHONY: help demo test check fix bench live matrix reference site clean

# The newest Python from 3.11 to 3.13 that this machine has. Override with `make PYTHON=... test`.
CANDIDATES := python3.13 python3.12 python3.11 python3
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in $(CANDIDATES); do \
	$$p -c "$(SUITABLE)" >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TESTS ?= tests
# Most tests wait more than they compute.
WORKERS ?= 4

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "make: no Python from 3.11 to 3.13 found." >&2; \
		echo "make: install one, for example: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { \
		echo "make: $(PYTHON) has no venv module. On Debian or Ubuntu:" >&2; \
		echo "make:   apt-get install python3-venv" >&2; exit 1; }
	@echo "make: a virtual environment in .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# Installing for development installs what the demo needs, so one stamp touches the other.
.venv/.demo: pyproject.toml | $(BIN)/python
	@echo "make: installing osiris-run[duckdb]"
	@$(PIP) -e ".[duckdb]"
	@touch $@

.venv/.dev: pyproject.toml | $(BIN)/python
	@echo "make: installing osiris-run[all,dev]"
	@$(PIP) -e ".[all,dev]"
	@touch .venv/.demo $@

demo: .venv/.demo ## run the bundled pipeline here and in a sandbox, and compare: no server
	@$(BIN)/python tools/demo.py

test: .venv/.dev ## run every test, a private MariaDB included
	@$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

check: .venv/.dev ## format, lint, types, layers, gates, docs against code, the site's links
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tools.gates
	@$(BIN)/python -m tools.docs --check
	@$(BIN)/python -m tools.docs.site

fix: .venv/.dev ## format the code and repair what the linter can
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

reference: .venv/.dev ## write docs/reference from the code
	@$(BIN)/python -m tools.docs

site: .venv/.dev ## build the documentation as a site in build/site
	@$(BIN)/python -m tools.docs.site
	@echo "make: build/site/index.html"

bench: .venv/.dev ## print each figure beside its reference (BENCH_ROWS, BENCH_ROUNDS)
	@$(BIN)/python -m bench

live: .venv/.dev ## run the tests that need an E2B account (E2B_API_KEY)
	@test -n "$$E2B_API_KEY" || { echo "make: set E2B_API_KEY to run the live tests" >&2; exit 1; }
	@$(BIN)/python -m pytest -m live $(TESTS)

matrix: .venv/.dev ## run the E2B tests with the oldest SDK that is supported, and the newest
	@$(BIN)/python -m tools.sdk_matrix

clean: ## remove the virtual environment and what tools left
	rm -rf .venv .venv-e2b build/rivals .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
