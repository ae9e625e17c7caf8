# The commands of the README. Everything is installed into .venv, pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS ?= 2
# Whole files, in the order in which tests/conftest.py puts them.
SHARED_OUT := -n $(JOBS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all check format benchmark screenshots constraints clean

demo: $(VENV)/service  ## Serve the sample environment, Contoso Coffee
	@$(BIN)/topcoat demo $(ARGS)

test: $(VENV)/tests $(VENV)/clients $(VENV)/node  ## The whole suite, the quick way
	@$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest $(SHARED_OUT) --cov --cov-report= $(ARGS)
	@$(BIN)/python tests/floors.py

test-all: $(VENV)/tests $(VENV)/clients $(VENV)/node  ## The same tests with more examples, more kills, real sizes
	TOPCOAT_TEST_THOROUGH=1 $(BIN)/python -m pytest $(SHARED_OUT) $(ARGS)

check: $(VENV)/tests  ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(VENV)/tests  ## The figures of docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/tests  ## The pictures in docs/images, by the system's Chromium
	$(BIN)/python -m tests.browser.screenshots

constraints: $(VENV)/tests  ## Pin what is installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude topcoat | sort -f > constraints.txt

clean:
	rm -rf $(VENV) .venv-clients .node-clients .coverage* build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Topcoat needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/service: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/tests: $(VENV)/service
	$(PIP) install --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

# What is published by others lives in an environment of its own: the vendor's client needs an old setuptools, and what
# clients need is nothing to the service.
$(VENV)/clients: tests/contract/clients-requirements.txt | $(VENV)/bin/python
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@

# Without npm there is nothing to do; the tests that need it say that they were skipped.
$(VENV)/node: tests/contract/package.json | $(VENV)/bin/python
	@if command -v npm > /dev/null; then mkdir -p .node-clients && cp $< .node-clients/ \
	  && npm install --prefix .node-clients --no-package-lock --no-audit --no-fund --silent && touch $@; fi
