# make without a target prints what there is. Needs Python >= 3.11, make and git; nothing has to be activated.

PYTHON ?= python3
BUILD_DIR ?= build
PORT ?= 8000
RELEASED ?= $(BUILD_DIR)/released
PYTHONS ?= python3.11,python3.12,python3.13

venv := .venv
python := $(venv)/bin/python
pwm := $(python) -m pwm_companion.cli
# A machine's own pip settings may make pip warn about every package: errors are enough.
pip := $(python) -m pip -qq --disable-pip-version-check --no-input
uv := $(python) -m uv pip install --quiet --python $(python) --no-deps

# uv compiles nothing: what is imported is compiled once, also where the machine is set not to.
unexport PYTHONDONTWRITEBYTECODE

# Tests of the site wait for browsers: one process more than there are cores.
workers := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# One thread each for BLAS: processes share the cores, and timings do not depend on their number.
alone := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

versions := $(alone) $(python) -m endurance.versions \
	endurance/versions.json "$(BUILD_DIR)/versions"

# In a folder of its own: it needs another rich than roc-validator in the lock.
MUTMUT := mutmut==3.8.1

# No dependencies: the library is measured beside them.
GENERAL_SOLVERS := casadi==3.8.2 jax==0.10.2 jaxlib==0.10.2 ml_dtypes==0.6.0 opt_einsum==3.4.0

.DEFAULT_GOAL := help
.PHONY: help env book pdf zip pages released release test test-long versions test-lowest test-newest verify lint bench versus small table fuzz faults binder mutation agree edges laws regions proofs trials curves quality map serve clean lock picture

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(venv)/installed ## create .venv from requirements.lock and install the package

book: env ## run the chapters that changed and build the site into build/html
	@$(pwm) build --build-dir "$(BUILD_DIR)"

pdf: book ## print the chapters as one PDF, build/paid-with-models.pdf, linked from the site (needs Chromium)
	@$(pwm) pdf --build-dir "$(BUILD_DIR)"

zip: book ## pack the site into build/paid-with-models.zip, to be read from disk (the PDF too, after make pdf)
	@$(pwm) zip --build-dir "$(BUILD_DIR)"

pages: book ## lay out the site as it is served, releases below their numbers (RELEASED=folder of their zips)
	@$(python) -m pwm_companion.publish.pages "$(BUILD_DIR)" "$(RELEASED)"

released: ## fetch the sites of all releases into RELEASED, with the code host's command gh
	@mkdir -p "$(RELEASED)"
	@for tag in $$(gh release list --json tagName --jq '.[].tagName'); do \
		gh release download "$$tag" --pattern '*-site.zip' --dir "$(RELEASED)" --skip-existing; done

release: book ## make wheel, source archive, site and figures for publication in dist/, and test the wheel
	@$(pwm) release --build-dir "$(BUILD_DIR)"

test: env ## run the tests on all cores; those of site, PDF and zip need make book pdf zip (LONG=1 for CI's)
	@$(alone) BUILD_DIR="$(BUILD_DIR)" $(if $(LONG),LONG=1 HYPOTHESIS_PROFILE=properties) \
		$(python) -m pytest -n $(workers) --dist loadgroup --no-loadscope-reorder

test-long: env ## try each property on 5,000 problems, into endurance/properties.json (over an hour)
	@$(alone) $(python) -m endurance.properties endurance/properties.json

versions: env ## test PYTHONS with locked, lowest and newest versions, into endurance/versions.json (two hours)
	@$(versions) $(PYTHONS)

test-lowest: env ## the same on PYTHON with the lowest versions that pyproject.toml allows
	@$(versions) $(PYTHON) lowest

test-newest: env ## the same on PYTHON with the newest versions that pyproject.toml allows
	@$(versions) $(PYTHON) newest

verify: env ## compare every number and table of the book with reference/
	@$(pwm) verify --build-dir "$(BUILD_DIR)"

lint: env ## check style, formatting and types
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

bench: versus ## measure speed, the published method beside ours, into benchmarks/results.json (5 minutes)
	@mkdir -p "$(BUILD_DIR)"
	@$(alone) $(python) -m pytest benchmarks -q \
		--benchmark-timer=time.process_time --benchmark-json="$(BUILD_DIR)/benchmarks.json" --benchmark-quiet
	@$(python) -m benchmarks.summary "$(BUILD_DIR)/benchmarks.json" benchmarks/results.json

versus: env ## measure general solvers beside ours, IPOPT and JAX too, into benchmarks/versus.json (5 minutes)
	@$(python) -m uv pip install --quiet --no-deps --target "$(BUILD_DIR)/versus" $(GENERAL_SOLVERS) || \
		echo "IPOPT and JAX are left out: they cannot be installed" >&2
	@PYTHONPATH="$(BUILD_DIR)/versus" $(alone) $(python) -m benchmarks.versus benchmarks/versus.json

small: env ## measure the pages' solver beside the library, into benchmarks/small_solver.json (needs Node)
	@$(alone) $(python) -m benchmarks.small_solver

table: env ## make the table of that solver anew, src/paid_with_models/small/table.py
	@$(alone) $(python) -m benchmarks.small_table

fuzz: env ## try 21,000 broken files and command lines, into endurance/fuzz.json (10 minutes)
	@$(alone) $(python) -m endurance.fuzz endurance/fuzz.json

faults: env ## try no network, a full disk, kills and more, into endurance/faults.json (20 minutes)
	@$(python) -m endurance.faults endurance/faults.json

mutation: env ## change the code and count what no test notices, into endurance/mutation.json (hours; MODULES=... for some)
	@$(python) -m uv pip install --quiet --target "$(BUILD_DIR)/mutation/tool" $(MUTMUT)
	@$(python) -m endurance.mutation endurance/mutation.json "$(BUILD_DIR)/mutation" $(MODULES)

binder: book ## try what Binder does, into endurance/binder.json (10 minutes)
	@$(python) -m endurance.binder endurance/binder.json "$(BUILD_DIR)/binder" "$(BUILD_DIR)/html"

agree: env ## solve random problems by three routes, into endurance/routes.json (10 minutes)
	@$(alone) $(python) -m endurance.routes endurance/routes.json

edges: env ## try 10,000 problems at the solver's edges, into endurance/edges.json (10 minutes)
	@$(alone) $(python) -m endurance.edges endurance/edges.json

laws: env ## try 1,000 problems under each law of who turns up, into endurance/laws.json (20 minutes)
	@$(alone) $(python) -m endurance.laws endurance/laws.json

regions: env ## solve the problems that take longest, into endurance/regions.json (10 minutes)
	@$(alone) $(python) -m endurance.regions endurance/regions.json

proofs: env ## prove all contracts of record and check the proofs, into endurance/proofs.json (5 minutes)
	@$(alone) $(python) -m endurance.proofs endurance/proofs.json

trials: env ## run contracts with real models, into measurements/real_models.json (half an hour)
	@$(alone) $(python) -m measurements.real_models measurements/real_models.json

curves: env ## fit thousands of real learning curves, into measurements/learning_curves.json (9 minutes)
	@$(alone) $(python) -m measurements.learning_curves measurements/learning_curves.json

quality: env ## measure what noisy labels are worth, into measurements/quality.json (some minutes)
	@$(alone) $(python) -m measurements.quality measurements/quality.json

map: env ## map the best menus of 100,000 problems, into measurements/contract_map.json (1 minute)
	@mkdir -p "$(BUILD_DIR)"
	@$(alone) $(python) -m measurements.contract_map \
		measurements/contract_map.json "$(BUILD_DIR)/contract-map.nc"

serve: ## show the built site on http://localhost:8000 (PORT=... for another port)
	@test -f "$(BUILD_DIR)/html/index.html" || { echo "no site yet: run make book first" >&2; exit 1; }
	@$(PYTHON) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null || \
		{ echo "port $(PORT) is taken: choose another, as in make serve PORT=8001" >&2; exit 1; }
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory "$(BUILD_DIR)/html" $(PORT)

clean: ## remove the built site, the executed notebooks and the tools' caches; .venv stays
	@rm -rf "$(BUILD_DIR)" .mypy_cache .pytest_cache .ruff_cache .hypothesis

lock: env ## write requirements.lock anew from pyproject.toml (UPGRADE=--upgrade to raise versions)
	@$(python) -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 $(UPGRADE) \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

picture: env ## draw the picture of README.md anew
	@$(python) -c 'from paid_with_models import solve; \
	from paid_with_models.paper.replication import SCENARIOS; \
	from paid_with_models.figures.scenarios import scenario_panel; \
	contracts = {it.title: solve(it.problem()) for it in SCENARIOS.values()}; \
	scenario_panel(contracts)[0].savefig("book/_static/readme.png", dpi=110, bbox_inches="tight")'

# The lock lists every package, so there is nothing to resolve (--no-deps). pip installs uv from
# the lock, and uv, several times as fast, the rest; pip does where uv cannot, knowing no index, say.
$(venv)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python >= 3.11 is needed: make $(MAKECMDGOALS) PYTHON=python3.12, say" >&2; exit 1; }
	@echo "creating $(venv) from requirements.lock (half a minute)"
	@rm -rf $(venv)
	@$(PYTHON) -m venv $(venv)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(venv)/uv.lock
	@$(pip) install --require-hashes --no-deps --requirement $(venv)/uv.lock
	@$(uv) --require-hashes --requirement requirements.lock || \
		$(pip) install --require-hashes --no-deps --requirement requirements.lock
	@touch $@

$(venv)/installed: $(venv)/locked pyproject.toml
	@$(uv) --no-build-isolation --editable .
	@touch $@
