# One entry for people and CI. Needs python3 (3.11 or later) and cargo, nothing else; `uv` and
# `cargo nextest` are used when they are there. Everything is set up inside .venv and target.

PYTHON ?= python3
SEEDS ?= 100000
DEPTH ?= 12
PROCESSES ?= 8
OPERATIONS ?= 20000
MEMORY ?= 100000000
SETS ?=
BUGS ?=
FILES ?=
SHARD ?=
UV ?= $(shell command -v uv 2>/dev/null)
NEXTEST ?= $(shell command -v cargo-nextest 2>/dev/null)

BIN := .venv/bin
DEPS := .venv/.deps
CORE := python/cross_market/_core.abi3.so
PEERS := target/peers-venv
LEGS := target/legs-venv
RUST := --workspace --exclude cross-market-py
PIP := $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,\
  $(BIN)/python -m pip install --quiet --disable-pip-version-check)
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find rust -name '*.rs' -o -name Cargo.toml)

# One interpreter for every build of the bindings, so that they are not built twice.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-rust test-python lint counts sim digests exhaust crash golden pool kpi \
  bench bench-peers peers-legs seeded-bugs mutants wheel wheel-check clean

help: ## Print this help
	@echo "usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(CORE) ## Create .venv and build the library into it (the others do this themselves)

demo: $(CORE) ## Run the demo on real prices of two markets
	$(BIN)/python -m cross_market demo

test: test-rust test-python ## Run all tests

test-rust: ## Run the Rust tests alone
ifneq ($(NEXTEST),)
	cargo nextest run --locked --no-tests=pass --status-level=fail $(RUST)
	cargo test --locked --doc $(RUST)
else
	cargo test --locked $(RUST)
endif

test-python: $(CORE) ## Run the Python tests alone
	$(BIN)/python -m pytest

lint: $(CORE) ## Check format, lints and types; changes nothing
	cargo fmt --all --check
	cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	cd tests/python && MYPYPATH=../../python ../../$(BIN)/python -m mypy.stubtest cross_market._core

counts: $(DEPS) ## Compare instruction counts with the stored baseline (needs valgrind)
	$(BIN)/python benches/counts.py

sim: ## Run SEEDS=100000 simulated fault schedules
	cargo run --locked --quiet --release -p cross-market-sim --bin campaign -- --seeds $(SEEDS)

digests: $(CORE) ## Compare the digests of SEEDS=100000 schedules: debug, release, and from Python
	@run() { cargo run --locked --quiet --profile $$1 -p cross-market-sim --bin campaign -- \
	  --seeds $(SEEDS) --digest | grep '^digest'; }; \
	dev=$$(run dev) && release=$$(run release) && echo "dev $$dev, release $$release" \
	  && test "$$dev" = "$$release"
	@cargo run --locked --quiet --release -p cross-market-sim --bin spoken -- --seeds $(SEEDS) \
	  | $(BIN)/python tests/python/spoken.py

exhaust: ## Go through every history of two legs up to DEPTH=12 steps
	cargo run --locked --quiet --release -p cross-market-sim --bin exhaust -- --depth $(DEPTH)

crash: ## Cut and corrupt a journal everywhere and recover it
	cargo run --locked --quiet --release -p cross-market-journal --bin crash

seeded-bugs: ## Put known bugs in one by one, or BUGS=4,7, and demand that the fast checks fail
	PYTHONPATH=tests $(PYTHON) -m seeded $(if $(BUGS),--only $(BUGS))

mutants: ## Change the core in small ways and demand that tests fail: FILES="funds gate" SHARD=0/4 GO_ON=1
	PYTHONPATH=tests $(PYTHON) -m seeded.mutants $(FILES) $(if $(SHARD),--shard $(SHARD)) $(if $(GO_ON),--go-on)

pool: $(CORE) ## MEMORY=100000000 operations on ledgers; then PROCESSES=8 times OPERATIONS=20000 under a nemesis
	cargo run --locked --quiet --release -p cross-market-sim --bin pool -- --operations $(MEMORY)
	PYTHONPATH=python:tests $(BIN)/python -m pool --backend sqlite --processes $(PROCESSES) --operations $(OPERATIONS)
	PYTHONPATH=python:tests $(BIN)/python -m pool --backend postgres --processes $(PROCESSES) --operations $(OPERATIONS)
	PYTHONPATH=python:tests $(BIN)/python -m pool.allocation
	PYTHONPATH=python:tests $(BIN)/python -m kpi

kpi: $(CORE) ## Run the money of three arms over the same tapes: capital used, idle, demands met
	PYTHONPATH=python:tests $(BIN)/python -m kpi

golden: $(CORE) ## Compare the recorded markets in ../shared/data with their reference figures
	PYTHONPATH=tests $(BIN)/python -m golden $(SETS)

bench: $(CORE) ## Time the core and the Python doors against hand-written limits
	cargo bench --locked $(RUST)
	$(BIN)/python -m pytest benches/python --benchmark-only --benchmark-columns=median,iqr,rounds
	$(BIN)/python benches/imports.py

bench-peers: $(PEERS)/.deps $(SOURCES) ## Time it beside other libraries, in an environment of their own
	@rm -rf target/wheels
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --quiet --release --locked --out target/wheels
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --force-reinstall target/wheels/cross_market-*.whl
	$(PEERS)/bin/python benches/peers/run.py
	$(PEERS)/bin/python benches/peers/sizes.py target/wheels/cross_market-*.whl
	@cat $(PEERS)/refused 2>/dev/null || true

peers-legs: $(LEGS)/.deps $(CORE) ## Work legs beside other systems (SEEDS=150 of each fault)
	PYTHONPATH=python:benches $(LEGS)/bin/python -m pytest --quiet benches/legs/test_packages.py
	PYTHONPATH=python:benches $(LEGS)/bin/python -m legs \
	  $(if $(filter file,$(origin SEEDS)),,--seeds $(SEEDS))

wheel: $(DEPS) ## Build the wheel into dist
	rm -rf dist
	$(BIN)/maturin build --locked --release --quiet --out dist

wheel-check: wheel ## Install the wheel in an empty environment; run README and demo there
	$(PYTHON) tests/wheel.py dist target/wheel

clean: ## Remove everything that was built or installed here
	rm -rf target .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f python/cross_market/_core.*.so
	find . -name __pycache__ -prune -exec rm -rf {} +

$(DEPS): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) must be Python 3.11 or later; name another with PYTHON=..." >&2; exit 1; }
	@echo "creating .venv with the versions of $<"
	@rm -rf .venv
ifneq ($(UV),)
	@$(UV) venv --quiet --seed --no-project --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
else
	@$(PYTHON) -m venv .venv
endif
	@$(PIP) -r $<
	@touch $@

# The stamp is the library itself: an editable install puts it beside the Python sources.
$(CORE): $(DEPS) $(SOURCES)
	@echo "building the native module (a minute or two when cold)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Without what they ask for beyond this: vnpy wants screens. A package that refuses is told of.
$(LEGS)/.deps: requirements-legs.txt $(DEPS)
	@echo "creating $(LEGS) with the versions of $<"
	@rm -rf $(LEGS)
	@$(BIN)/python -m venv $(LEGS)
	@install="$(LEGS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"; \
	$$install -r $< || grep -v '^#' $< | while read -r peer; do $$install "$$peer" || true; done
	@touch $@

# The versions of the file and nothing else: what peers say they need for screens and plots is left
# out. If one of them refuses, each by itself, for that is no reason to measure none.
$(PEERS)/.deps: requirements-peers.txt $(DEPS)
	@echo "creating $(PEERS) with the versions of $<"
	@rm -rf $(PEERS)
	@$(BIN)/python -m venv $(PEERS)
	@install="$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"; \
	$$install -r $< 2> $(PEERS)/log || grep -v '^#' $< | while read -r peer; do \
	  $$install "$$peer" 2> $(PEERS)/log \
	    || echo "not installed: $$peer: $$(tail -1 $(PEERS)/log)" >> $(PEERS)/refused; \
	done
	@touch $@
