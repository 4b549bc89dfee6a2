PORT ?= 5000
EHR_PORT ?= 5001
PATIENTS ?= patients
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint bench census docs lock clean

run: $(VENV)/.run
	PORT=$(PORT) EHR_PORT=$(EHR_PORT) CHARTSIDE_MODE=development $(BIN)/python -m sandbox.run

test: $(VENV)/.test
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist loadfile

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

census: $(VENV)/.run
	CHARTSIDE_MODE=development $(BIN)/flask --app app census $(PATIENTS)

docs: $(VENV)/.test
	$(BIN)/python -m clinical.document >docs/clinical.md
	$(BIN)/python -m sandbox.lint.document >docs/lint.md

# The lock files carry hashes and no index address, so a site installs from its own mirror.
lock: $(VENV)/.test
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate pyproject.toml --extra dev --constraint requirements.lock \
	  --output-file requirements-dev.lock

clean:
	rm -rf $(VENV)

$(VENV)/.run: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/.test: requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
