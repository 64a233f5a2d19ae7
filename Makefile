# `make demo` shows the whole path on real data; `make test` is what CI runs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
MLC := $(BIN)/mlc -C examples/flights
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo story test lint format generate estimators bench mutants requirements clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/run.stamp ## validate, plan, run, release and build examples/flights
	$(MLC) validate
	$(MLC) plan
	$(MLC) run
	$(MLC) release late-arrival -e staging
	$(MLC) build
	@echo
	@echo "report: $$(find examples/flights/.mlc -name 'report*.html' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)"
	@echo "serve:  $(MLC) serve late-arrival"

story: $(VENV)/run.stamp ## from the first commit to a promoted and rolled-back production, on a copy of examples/flights
	@tools/story.sh

test: lint node_modules/.stamp ## lint, then every test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/dev.stamp ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/dev.stamp ## put every file into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/dev.stamp ## write schemas and generated docs anew from the code
	$(BIN)/python tools/generate.py

estimators: $(VENV)/dev.stamp ## write the table of estimators anew from the installed scikit-learn
	$(BIN)/python tools/estimator_tables.py

bench: $(VENV)/dev.stamp ## print the table of measured times
	@for script in bench/*.py; do $(BIN)/python "$$script" || exit; done

mutants: $(VENV)/dev.stamp node_modules/.stamp ## print what is found in some hundred spoilt examples, and by whom
	@PYTHONPATH=tests $(BIN)/python -m mutants

requirements: ## write requirements/*.txt anew from pyproject.toml; needs uv
	uv pip compile pyproject.toml requirements/build.in --all-extras $(COMPILE) -o requirements/dev.txt
	uv pip compile pyproject.toml requirements/build.in --extra run --extra serve $(COMPILE) \
		-c requirements/dev.txt -o requirements/run.txt

clean: ## remove what make and mlc keep; checked-in files stay
	rm -rf $(VENV) node_modules dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf examples/*/.mlc

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# dev.txt holds all of run.txt, in the same versions.
$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.stamp

node_modules/.stamp: package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@
