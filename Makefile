# The two commands: `make demo` and `make test`. They need python3 (3.11 or newer), git and make.
# PYTHON=/path/to/python3 chooses the interpreter.
BIN := .venv/bin
export PYTHON

.PHONY: demo test coverage up check lint docs benchmarks soak environment clean

demo: environment ## set up and compute the demonstration portfolios
	@$(BIN)/python -m sigmasight_assets.cli demo

test: environment ## set up and run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

coverage: environment ## the tests again, with the lines that they reach: at least 85 %
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered -q

up: environment ## the API on 127.0.0.1:8000 and the Dagster UI on 127.0.0.1:3000
	@exec $(BIN)/python -m sigmasight_assets.cli up

check: lint ## lint, types, import rules, definitions, known vulnerabilities of dependencies
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python -m sigmasight_assets.cli.validate
	@$(BIN)/python scripts/audit_dependencies.py

lint: environment
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

docs: environment ## regenerate docs/tables.md, docs/api.md and docs/openapi.json
	@$(BIN)/python scripts/write_table_docs.py
	@$(BIN)/python scripts/write_api_docs.py

benchmarks: environment ## what README's speed claims rest on
	@$(BIN)/python -m benchmarks.greeks
	@$(BIN)/python -m benchmarks.implied_volatility
	@$(BIN)/python -m benchmarks.factor_betas
	@$(BIN)/python -m benchmarks.correlation
	@$(BIN)/python -m benchmarks.revaluation
	@$(BIN)/python -m benchmarks.value_at_risk
	@$(BIN)/python -m benchmarks.files_provider
	@$(BIN)/python -m benchmarks.sessions
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m benchmarks.spine

soak: environment ## the tests that take minutes
	@$(BIN)/python -m pytest -m slow -n 2 --dist load -q

environment: ## .venv with everything in it; quick when it is there
	@scripts/environment.sh

clean: ## remove the virtual environment
	rm -rf .venv
