# Everything runs in .venv, which is made on first use: Python 3.11+ and make are enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow check fuzz bench golden

demo: .venv/installed
	$(BIN)/cnnspec build specs/digits.yaml
	$(BIN)/cnnspec compare specs/digits.yaml

# One process to a core, and so one thread to a process.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto

test: .venv/installed
	$(PYTEST)

test-slow: .venv/installed
	$(PYTEST) -m slow

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Writes what the tests of the spec expect, and docs/diagnostics.md; read the difference.
golden: .venv/installed
	$(BIN)/python -m pytest -q tests/spec/test_corpus.py --golden

fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[fuzz]'
	$(BIN)/python fuzz/load_spec.py -runs=160000 -max_len=4096 -timeout=1 -rss_limit_mb=2048 \
	    -artifact_prefix=/tmp/ "$$(mktemp -d)"

bench: .venv/installed
	$(BIN)/python benchmarks/targets.py

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all,dev]'
	touch $@
