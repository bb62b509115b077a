# Everything starts from a plain python3 (3.11 or newer, with its venv module) and make.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python
WORKERS ?= 2
FAULTS ?= 1000
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench faults mutants build clean

# Tools that load the settings without talking to any server (mypy, collectstatic) get an environment that names none.
OFFLINE := DATABASE_URL=postgresql:///hurdle?host=/nonexistent REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=offline-0123456789-abcdefghijklmnopqrstuvwxyz-only-for-building \
	ALLOWED_HOSTS=localhost HURDLE_PUBLIC_URL=https://localhost

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | awk -F '\t' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/local.stamp ## Start everything with the demo portfolio (PORT=8000); Ctrl-C stops it
	@PORT=$(PORT) exec $(RUN) -m config.local demo --follow-parent

test: $(VENV)/dev.stamp ## Run all tests (set DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL to use your own servers)
	@$(RUN) -m pytest -n $(WORKERS)

lint: $(VENV)/dev.stamp ## Check style, types and import walls
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(OFFLINE) $(VENV)/bin/mypy
	$(OFFLINE) $(VENV)/bin/lint-imports

bench: $(VENV)/dev.stamp ## Measure the bounds that the product promises; writes var/bench.json
	@$(RUN) -m tests.benchmarks

faults: $(VENV)/dev.stamp ## Break everything while people work, and count what arrived (FAULTS=1000 SEED=1)
	@$(RUN) -m tests.faults --faults $(FAULTS) $(if $(SEED),--seed $(SEED))

mutants: $(VENV)/dev.stamp ## Change the alert rules in every way that should matter; counts what the tests notice
	@nice -n 10 $(RUN) -m tests.mutants

build: $(VENV)/local.stamp ## Build the static files
	@if [ -n "$$(find . -path ./$(VENV) -prune -o -name build_static.py -print)" ]; then \
		$(OFFLINE) $(RUN) manage.py build_static; fi
	@$(OFFLINE) $(RUN) manage.py collectstatic --noinput --verbosity 0

clean: ## Remove the environment, the demo's data and what was built
	rm -rf $(VENV) var staticfiles static/build

$(VENV)/made.stamp:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "There is no $(PYTHON) here: install Python 3.11 or newer, or say make PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Hurdle needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say make PYTHON=python3.11."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
	@echo "  Python environment in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/local.stamp: requirements/local.lock | $(VENV)/made.stamp
	@echo "  Dependencies (hash-locked, about half a minute the first time)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/local.lock
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock | $(VENV)/made.stamp
	@echo "  Dependencies with the tools for tests (hash-locked, about half a minute the first time)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $(VENV)/local.stamp $@
