# Everything runs in .venv, which is made on first use: Python 3.11+ and make are enough.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow check docs golden fuzz bench

demo: .venv/installed
	$(BIN)/cnnspec build specs/digits.yaml
	$(BIN)/cnnspec compare specs/digits.yaml

# One process to a core, and so one thread to a process. What was compiled is kept, whatever the
# environment says: tests start the program a hundred times.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=auto

# ARGS goes to pytest: make test ARGS='-k batch_norm'
test: .venv/installed
	$(PYTEST) $(ARGS)

test-slow: .venv/installed
	$(PYTEST) -m slow $(ARGS)

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The site, from the pages of docs/. A warning is an error. All pages are written each time, as
# each has the navigation: two seconds.
docs: .venv/installed-docs
	$(BIN)/python -m sphinx --builder html --nitpicky --fail-on-warning --keep-going --quiet \
	    --fresh-env --write-all docs build/docs
	@echo built: build/docs/index.html

# Writes what the tests expect of words, and the pages that are made from the code, anew; read
# the difference.
golden: .venv/installed
	$(BIN)/python -m pytest -q tests/spec/test_corpus.py tests/docs --golden

fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[fuzz]'
	$(BIN)/python fuzz/load_spec.py -runs=160000 -max_len=4096 -timeout=1 -rss_limit_mb=2048 \
	    -artifact_prefix=/tmp/ "$$(mktemp -d)"

bench: .venv/installed
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/targets.py

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all,dev]'
	touch $@

# The site needs no torch.
.venv/installed-docs: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@
