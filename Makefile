# The tasks of this house. Each makes ready what it needs (bootstrap.sh) and is quick when that is there already.
#
#   ONCE=1           make demo: exit when the VM is ready and its mail is sent
#   V=1              make requirements: list the open rows
#   PYTEST_ARGS=...  further arguments for pytest, for instance PYTEST_ARGS="-k addresses -x"
#   PYTHON=...       the interpreter for .venv; the newest suitable one otherwise

VENV   := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
RESULT := build/requirements.json

# Debian keeps the database server outside of an ordinary user's PATH.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

RECORD   := --requirements-result=$(RESULT)
PARALLEL := -n auto --dist worksteal
SOURCES   = $(wildcard $(shell git ls-files '*.py' '*.php' '*.txt' '*.json' '*.html' setup.cfg 2>/dev/null))

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench soak requirements clean venv test-tools services

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## order a VM in a sandbox WHMCS and watch it become ready (ONCE=1: then exit)
	@$(VENV)/bin/kvm-bridge demo $(if $(ONCE),--once)

test: test-tools services lint ## lint, then all tests but the soak tests
	@$(PYTHON_IN_VENV) -m pytest $(PARALLEL) -m "not soak" $(RECORD) $(PYTEST_ARGS)

lint: test-tools ## ruff, the formatter in check mode, mypy
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m ruff format --check .
	@$(PYTHON_IN_VENV) -m mypy --no-error-summary

format: test-tools ## let ruff format the code and mend what it can
	@$(PYTHON_IN_VENV) -m ruff check --fix .
	@$(PYTHON_IN_VENV) -m ruff format .

bench: test-tools services ## print the ratios of the benchmarks
	@$(PYTHON_IN_VENV) -m benchmarks

soak: test-tools services ## the chaos tests with more seeds and more kills (takes long)
	@SOAK=1 $(PYTHON_IN_VENV) -m pytest -m "soak or chaos" $(PYTEST_ARGS)

requirements: $(RESULT) ## which rows of docs/requirements.tsv are proven by a passing test (V=1: list the open ones)
	@$(PYTHON_IN_VENV) -m tests.requirements_report $(if $(V),--open) $(RESULT)

# The last full run counts as long as nothing changed since; the report is worth reading after failures, too.
$(RESULT): $(SOURCES) | test-tools services
	-@$(PYTHON_IN_VENV) -m pytest $(PARALLEL) -m "req and not soak" $(RECORD) -q

clean: ## remove what the other tasks made, the venv included
	rm -rf $(VENV) build dist .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

venv:
	@./bootstrap.sh venv run

test-tools:
	@./bootstrap.sh venv test

services:
	@./bootstrap.sh services
