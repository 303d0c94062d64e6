# The two commands: `make demo` and `make test`. They need python3 (3.11 or newer), git and make.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check lint up soak benchmarks docs clean

demo: $(STAMP) ## set up and compute the demonstration portfolios
	@$(BIN)/sigmasight demo

test: $(STAMP) ## set up and run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered -q

up: $(STAMP) ## the Dagster UI on 127.0.0.1:3000
	@$(BIN)/sigmasight up

check: $(STAMP) lint ## lint, types, import rules, definitions
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m sigmasight_assets.cli.validate

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

docs: $(STAMP) ## regenerate docs/tables.md
	@$(BIN)/python scripts/write_table_docs.py

benchmarks: $(STAMP) ## what README's speed claims rest on
	@$(BIN)/python -m benchmarks.greeks
	@$(BIN)/python -m benchmarks.implied_volatility
	@$(BIN)/python -m benchmarks.sessions

clean: ## remove the virtual environment
	rm -rf $(VENV)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on PATH (try PYTHON=/path/to/python3 make demo)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(PYTHON) -m virtualenv --version >/dev/null 2>&1 || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu this helps: apt-get install -y python3-venv"; exit 1; }; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version): about a minute, once."
	@rm -rf $(VENV)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null && $(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv -q $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)
