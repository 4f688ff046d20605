# make run: the demo. make test: the suite. Both set everything up first, in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint bench bench-long engines lock dictionary clean

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

# What an article costs, stage by stage, each beside something to compare it with: some minutes.
bench: setup
	$(BIN)/python -m tests.benchmarks.end_to_end
	$(BIN)/python -m tests.benchmarks.bench_fetch
	$(BIN)/python -m tests.benchmarks.bench_clean
	$(BIN)/python -m tests.benchmarks.bench_deduplicate --sizes 10000 100000
	$(BIN)/python -m tests.benchmarks.bench_tag

# What must hold over many articles, days and kills: hours.
bench-long: setup
	$(BIN)/python -m tests.benchmarks.kills
	$(BIN)/python -m tests.benchmarks.hostile_run
	$(BIN)/python -m tests.benchmarks.memory
	$(BIN)/python -m tests.benchmarks.stream_days
	$(BIN)/python -m tests.benchmarks.bench_deduplicate
	$(BIN)/python -m tests.benchmarks.scale --articles 1000000
	$(BIN)/python -m tests.benchmarks.bench_report
	$(BIN)/python -m tests.benchmarks.bench_engines

# Prism, Flink, Spark and Beam's job servers for them, for the tests that need them; what cannot be had is said and skipped.
engines: setup
	$(BIN)/python -m tests.engines.fetch

lock:
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra cloud --generate-hashes --no-emit-index-url --python-version 3.11 --output-file requirements.lock
	echo hatchling | $(BIN)/uv pip compile pyproject.toml - --extra cloud --constraint requirements.lock --generate-hashes --no-emit-index-url --python-version 3.11 --output-file configs/image.lock

dictionary: setup
	$(BIN)/python -m pipeline.dictionary data/README.md

clean:
	rm -rf .venv data/demo
