# Everything a user or a developer needs; `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_FOR_DBT := $(CURDIR)/.venv/dbt-home
# In the order of tests/conftest.py: what takes longest first, so that the cores end together.
ON_ALL_CORES := -n logical --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test test-quick test-browser fmt lint types dbt prices grafana wheel bench clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "agent-analytics needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.created
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(VENV)/.installed

run: $(VENV)/.installed ## Start the collector, show the first cost table, serve until Ctrl-C
	$(BIN)/agent-analytics up

test: $(VENV)/.installed-dev ## Run all tests but those that need a browser
	$(BIN)/python -m pytest -q $(ON_ALL_CORES) -m "not browser"

test-quick: $(VENV)/.installed-dev ## Run the tests that take seconds
	$(BIN)/python -m pytest -q $(ON_ALL_CORES) -m "not browser and not slow"

test-browser: $(VENV)/.installed-dev ## Run the tests that need a Chromium, which it installs on Debian
	scripts/install_chromium.sh
	$(BIN)/python -m pytest -q -m browser

fmt: $(VENV)/.installed-dev ## Format the Python code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/.installed-dev ## Check style: Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models dbt_project/tests dashboards \
		collector/agent_analytics_collector/api/reads/sql

types: $(VENV)/.installed-dev ## Check types
	$(BIN)/mypy cli collector scripts benchmarks tests

dbt: $(VENV)/.installed-dev ## Build the dbt project, unit tests included, on an empty database
	AGENT_ANALYTICS_HOME=$(HOME_FOR_DBT) $(BIN)/agent-analytics flush
	AGENT_ANALYTICS_HOME=$(HOME_FOR_DBT) $(BIN)/dbt build --project-dir dbt_project --profiles-dir dbt_project

prices: $(VENV)/.installed-dev ## Bring the price seed to what genai-prices says now
	$(BIN)/python scripts/generate_model_prices.py

grafana: $(VENV)/.installed-dev ## Bring Grafana's dashboards to what dashboards/ says
	$(BIN)/python scripts/generate_grafana_dashboards.py

wheel: $(VENV)/.installed-dev ## Build the wheel and try it in a bare environment
	scripts/try_wheel.sh

bench: $(VENV)/.installed-dev ## Measure: acknowledging, loading, delay, idle cost, start-up
	$(BIN)/python -m benchmarks

clean: ## Remove the environment and build output
	rm -rf $(VENV) dist build
