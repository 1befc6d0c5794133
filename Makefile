# Every target sets up what it needs; a second run is quick, because of the stamps in .venv.

PYTHON ?= python3
BIN := .venv/bin
RUNNABLE := .venv/.runnable
INSTALLED := .venv/.installed
CORES := $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -lt 4 ] && echo $$n || echo 4)
# Many tests wait for a server or a time, so that one process more than cores is quicker. Each may run an emulator, a
# clamd and a browser of its own: more than four gain little.
JOBS ?= $(shell [ $(CORES) -lt 4 ] && echo $$(($(CORES) + 1)) || echo 4)
SECONDS ?= 60
CASES ?= 500
# Where it is set, each of the programs that tests start compiles our sources again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test long check lint unit fuzz audit sbom notices soak bench format clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 15

install: $(INSTALLED) ## a virtual environment in .venv with everything in it

demo: $(RUNNABLE) ## the whole of Airlock on this machine; prints its address, Ctrl-C ends it
	@exec $(BIN)/airlock dev $(ARGS)

test: $(INSTALLED) ## every test but the long ones, with coverage
	@.ci/debian-packages
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term -m "not long" $(ARGS)

long: $(INSTALLED) ## the tests that take long: many cases, gigabytes, whole programs that are killed
	@.ci/debian-packages
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder -m long $(ARGS)

check: $(INSTALLED) ## under a minute: ruff, mypy, import-linter and the tests that need no server and little time
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint unit

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED)
	$(BIN)/python -m pytest -q -n $(CORES) -m "not server and not slow and not long" --hypothesis-profile=quick $(ARGS)

fuzz: $(INSTALLED) ## each parser under a coverage-guided fuzzer for SECONDS (60), then the API with CASES (500) an operation
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)
	API_CASES=$(CASES) $(BIN)/python -m pytest -q -s -n 0 --timeout 0 tests/service/test_schema_conformance.py

audit: $(INSTALLED) ## known holes in what is pinned; exit code 3 (make says "Error 3") where none could be asked for
	@$(BIN)/python .ci/audit.py

sbom: $(INSTALLED) ## what runs in each pod, as CycloneDX in build/sbom
	@$(BIN)/python .ci/sbom.py

notices: $(INSTALLED) ## THIRD_PARTY.md: the packages of each image with their licences; after each change of constraints.txt
	@$(BIN)/python .ci/third_party.py

soak: $(INSTALLED) ## 10,000 uploads while everything fails (SEED=, UPLOADS=, WORKERS=); tens of minutes
	@.ci/debian-packages
	@CHAOS_SEED="$(or $(SEED),$(CHAOS_SEED))" CHAOS_UPLOADS="$(or $(UPLOADS),$(CHAOS_UPLOADS))" \
		CHAOS_WORKERS="$(or $(WORKERS),$(CHAOS_WORKERS))" $(BIN)/python -m tests.chaos

bench: $(INSTALLED) ## the tables of bench/
	@.ci/debian-packages
	@.ci/debian-packages wrk clamdscan
	$(BIN)/python -m bench.issue
	$(BIN)/python -m bench.pipeline
	$(BIN)/python -m bench.inspect
	$(BIN)/python -m bench.poison
	$(BIN)/python -m bench.reconcile
	$(BIN)/python -m bench.clients

format: $(INSTALLED) ## the source as ruff writes it, with its safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove all that was made here
	rm -rf .venv .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

# The demo does without what only tests and benches need, which is half of it all.
$(RUNNABLE): EXTRA := ops
$(INSTALLED): EXTRA := dev
$(RUNNABLE) $(INSTALLED): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" .ci/virtual-environment
	@echo "Installing the Python packages into .venv"
	@$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt -e '.[$(EXTRA)]'
	@touch $(RUNNABLE) $@
