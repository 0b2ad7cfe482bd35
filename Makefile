# Everything sets itself up: a machine needs Python 3.11 or later, make and pip.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := ctdc_framework plugins tests docs

.PHONY: demo test lint fuzz bench mutants docs clean
.DEFAULT_GOAL := demo

demo: .venv/.installed ## the main job on fabricated records
	$(BIN)/ctdc demo

test: .venv/.installed-test lint ## everything that must hold, a process for each core
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/.installed-test ## style and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

fuzz: .venv/.installed-test ## a hundred thousand damaged files: minutes
	CTDC_FUZZ=1 $(BIN)/python -m pytest -q tests/fuzz

bench: .venv/.installed-test ## speed, in CPU seconds; beside pac-synth and anonypyx where they can be installed
	-$(BIN)/python -m pip install --disable-pip-version-check --no-compile -q -e '.[bench]'
	$(BIN)/python -m pytest -q tests/benchmarks --override-ini addopts="--import-mode=importlib" --benchmark-only

mutants: .venv/.installed-test ## whether tests notice each small change to the core of gate and strategies: an hour
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -q -e '.[mutants]'
	$(BIN)/python tests/mutants/run.py

docs: .venv/.installed-docs ## the documentation as pages, in site/
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv site ctdc-demo dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ctdc needs Python 3.11 or later: make PYTHON=python3.11")'
	@echo "setting up in .venv: about a minute, once"
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -q -e .
	@touch $@

.venv/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -q -e '.[test]'
	@touch $@ .venv/.installed

.venv/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -q -e '.[docs]'
	@touch $@ .venv/.installed
