# Every word sets up what it needs: Python 3.11 or newer, make and a C compiler are enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: run test check bench install clean

run: $(VENV)/run.done        ## serve the first answer: no key, no configuration
	$(BIN)/python -m gateway serve configs/minimal.yaml

test: $(VENV)/dev.done       ## every test; those that need recorded material skip without it
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.done      ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.done      ## CPU per request, latency, streams, memory; see tests/bench/README.md
	$(BIN)/python -m tests.bench $(ARGS)

install: $(VENV)/dev.done    ## the environment for development

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/run.done: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	touch $@

$(VENV)/dev.done: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@ $(VENV)/run.done
