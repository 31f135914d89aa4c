# Everyday commands. `make help` lists them.
#
# A database is found through DATABASE_URL_AUTH and DATABASE_URL_SPECS (environment or .env).
# With neither set, a private PostgreSQL under .postgres/ is used. No secret is ever an argument.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUNNER := $(BIN)/socrates-migrate

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:  # `make -j4 migrate status` means this order

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- install

# What was installed for one Python, the next one does not find, to which .venv may lead after an upgrade.
STALE := $(shell test ! -e $(VENV)/.migrate || $(BIN)/python -Ic 'import pip' 2>&1 || rm -rf $(VENV))

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (make PYTHON=python3.12 ...)")'
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.migrate: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

# PostgreSQL 15 for the tests: no newer wheel of pgserver holds it, and its programs need no Python at all. Its
# pgvector goes, because one server has to be without. Where no wheel fits the machine, a system's own 15 is used.
$(VENV)/.test: pyproject.toml Makefile | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	    --python-version=3.11 --upgrade --target=$(VENV)/postgresql-15 pgserver==0.0.9
	rm -f $(VENV)/postgresql-15/pgserver/pginstall/share/postgresql/extension/vector.control
	@touch $@ $(VENV)/.migrate $(VENV)/.docs

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs,embedded]'
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

check: $(VENV)/.test ## hold each file to the rules, before it is applied (docs/writing.md)
	@$(BIN)/python -m tests.sql.check

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

types: $(VENV)/.test ## mypy, strict; the package as Windows and macOS would have it, too
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 runner
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin runner

# Bytecode is kept, whatever the shell says: each worker would compile every test again.
pytest middle faults proofs: export PYTHONDONTWRITEBYTECODE :=

pytest: $(VENV)/.test ## every test, against the oldest and the newest PostgreSQL, which they start themselves
	$(BIN)/python -u -m pytest --numprocesses=auto --dist=worksteal  # -u: dots appear in a pipe, too

middle: $(VENV)/.test ## what needs a server, on the PostgreSQL between the oldest and the newest
	SERVERS=middle $(BIN)/python -u -m pytest --numprocesses=auto --dist=worksteal

faults: $(VENV)/.test ## the long rehearsal: kills, cuts, crashes and crowds by the hundred
	FAULTS=long SERVERS=all $(BIN)/python -u -m pytest tests/faults --durations=5

proofs: $(VENV)/.test ## the small projects of the proof on every PostgreSQL, not on the newest alone
	PROOFS=all SERVERS=all $(BIN)/python -u -m pytest tests/schema/test_proof_cases.py

bench: $(VENV)/.test ## time the runner beside other tools, for half an hour
	$(BIN)/python -m benchmarks.runner
	$(BIN)/python -m benchmarks.runner.fleet

bench-schema: $(VENV)/.test ## every query at 2.4 million rows, and what the indexes cost
	$(BIN)/python -m benchmarks.schema

format: $(VENV)/.test ## format the Python files
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.docs ## write docs/schema, with its pictures, from a scratch database
	@$(RUNNER) docs

picture: $(VENV)/.test ## draw the picture in the README anew
	$(BIN)/python docs/draw.py

clean: ## remove .venv and the caches (the embedded database stays)
	rm -rf $(VENV) .bench .mypy_cache .pytest_cache .ruff_cache dist

.PHONY: help install migrate migrate-auth migrate-specs plan status verify prove check psql-auth psql-specs \
        server-start server-stop test lint types pytest middle faults proofs bench bench-schema docs format picture \
        clean
