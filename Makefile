# make run: the demo. make test: the suite. Both set everything up first, in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint bench engines lock dictionary clean

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "newsbeam needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

run: setup
	$(BIN)/newsbeam demo

test: setup
	$(BIN)/pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.benchmarks.end_to_end
	$(BIN)/python -m tests.benchmarks.bench_tag

# Prism, Flink and Beam's job server for it, for the tests that need them; what cannot be had is said and skipped.
engines: setup
	$(BIN)/python -m tests.engines.fetch

lock:
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra cloud --generate-hashes --no-emit-index-url --python-version 3.11 --output-file requirements.lock
	echo hatchling | $(BIN)/uv pip compile pyproject.toml - --extra cloud --constraint requirements.lock --generate-hashes --no-emit-index-url --python-version 3.11 --output-file configs/image.lock

dictionary: setup
	$(BIN)/python -m pipeline.dictionary data/README.md

clean:
	rm -rf .venv data/demo
