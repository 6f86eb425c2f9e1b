# `make run` shows Intake at work, `make test` proves it. Both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help setup setup-dev run test check bench soak system lock clean

help:
	@echo "make run                       show Intake at work on sample mail and sample letters"
	@echo "make run CONFIG=config.toml    run the real thing"
	@echo "make test                      set up and pass the tests"
	@echo "make check                     ruff, mypy, import-linter"
	@echo "make bench                     measure, as ratios within one run"
	@echo "make soak                      the long form of what make test samples"
	@echo "make setup                     only set up .venv from the lock file"
	@echo "make lock                      resolve the lock files anew"

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Intake needs Python 3.11 or newer; name it with PYTHON=."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Install the package python3-venv, then try again."; rm -rf $(VENV); exit 1; }
	@echo "Setting up $(VENV) (about a minute, once)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@echo "Adding the tools for tests"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

run: setup
	@sh tests/system/packages.sh run
	@$(if $(CONFIG),$(BIN)/intake --config $(CONFIG) run,$(BIN)/intake demo)

system:
	@sh tests/system/packages.sh test

test: setup-dev system
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not bench"

soak: export INTAKE_TEST_KILLS = 250
soak: export INTAKE_TEST_LETTERS = 200
soak: export INTAKE_TEST_SCANS = 100
soak: setup-dev system
	@$(BIN)/python -m pytest tests/system/test_kill.py tests/system/test_kill_letters.py tests/test_letter_corpus.py --timeout 7200

bench: setup-dev system
	@$(BIN)/python -m pytest -m "bench" -s --timeout 3600

check: setup-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

lock: setup-dev
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP) install uv
	@$(BIN)/python -m uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build -o requirements.lock
	@$(BIN)/python -m uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) var *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
