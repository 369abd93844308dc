# Every word sets up what it needs: Python 3.11 or newer, pip, make and a C compiler.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# Where the tables of `make bench-routing` are.
ROUTING_DATA ?= ../shared/routing-data
# Processes that share the tests, file by file; 0 is none but pytest itself.
WORKERS ?= 2

.PHONY: run test check bench compiled-test install clean

run: $(VENV)/run.done        ## serve the first answer: no key, no configuration
	$(BIN)/python -m gateway serve configs/minimal.yaml $(ARGS)

# Compiled once, for the hundreds of gateways that tests start.
test: $(VENV)/dev.done       ## every test; those that need recorded material skip without it
	$(BIN)/python -m compileall -q adapters gateway protocols routing
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: $(VENV)/dev.done      ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.done      ## CPU per request, latency, streams, memory; see tests/bench/README.md
	$(BIN)/python -m tests.bench $(ARGS)

compiled-test: $(VENV)/dev.done  ## the compiled wheel, under the tests of the other
	$(BIN)/python -m tests.compiled -n $(WORKERS) --dist loadfile $(ARGS)

bench-routing: $(VENV)/run.done ## a report for each outcome table of ROUTING_DATA
	PYTHONPATH=. $(BIN)/python -P -m tests.bench.routing --data $(ROUTING_DATA) \
	  --out .bench/routing $(ARGS)

install: $(VENV)/dev.done    ## the environment for development

clean:
	rm -rf $(VENV) .bench .compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/run.done: requirements/run.txt
	$(environment)
	touch $@

$(VENV)/dev.done: requirements/dev.txt
	$(environment)
	touch $@ $(VENV)/run.done

# Made where there is none or its Python is gone; else only brought to what is locked.
define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "RouteIQ needs Python 3.11 or newer: make PYTHON=python3.12")'
$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
$(BIN)/python -c 'import pip' 2>/dev/null || $(BIN)/python -m ensurepip
$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s" -P -m gateway "$$@"\n' "$(CURDIR)" "$(abspath $(BIN))/python" > $(BIN)/routeiq
chmod +x $(BIN)/routeiq
endef
