# Everything a fresh machine needs is Python 3.12 to 3.14 and make.
SHELL := /bin/bash
VENV  := .venv
PY    := $(VENV)/bin/python
STAMP := $(VENV)/.installed
JOBS  ?= 2

# The first interpreter that really runs: version-manager shims may be on PATH and exit with an error.
FIND_PYTHON = for p in python3.13 python3.12 python3.14 python3 \
    $$HOME/.pyenv/versions/3.1[234]*/bin/python3; do \
    if $$p -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then echo $$p; break; fi; done

.PHONY: setup demo test lint check-long bench figures data posteriors notebooks lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then echo "No Python 3.12 to 3.14 found; install one and put it on PATH."; exit 1; fi; \
	echo "Setting up .venv with $$python"; $$python -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $(STAMP)

# The main job on the bundled tapes: eight assets, three parameters, every bundled learner, both backends.
demo: setup
	$(VENV)/bin/mmresearch audit --quick --jobs $(JOBS) --out out/demo

test: setup
	$(PY) -m pytest -q -m "not long" -n $(JOBS) --dist loadfile tests
	$(PY) -m pytest -q --nbval --nbval-cell-timeout=300 --nbval-sanitize-with notebooks/sanitize.cfg notebooks

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

check-long: setup
	$(PY) -m pytest -q -m long tests

bench: setup
	@for module in benchmarks/*.py; do name=$$(basename $$module .py); \
	  [ $$name = __init__ ] || { echo "== $$name"; $(PY) -m benchmarks.$$name; }; done

# The pictures of the last demo, each traceable to data and seed by figures/manifest.json; the last one is measured.
figures: setup
	@[ -f out/demo/audit.json ] || $(MAKE) demo
	$(VENV)/bin/mmresearch report out/demo/audit.json --figures-only --out figures
	$(PY) -m mmresearch.report.glft_figures figures/glft
	XLA_FLAGS=--xla_force_host_platform_device_count=$(JOBS) $(PY) -m mmresearch.report.loop_figures figures/loop
	$(PY) -m mmresearch.report.learning_figure figures/learning
	$(PY) -m benchmarks.growth --out figures/growth

data: setup
	$(PY) -m mmresearch.sim.bundle

# Ten long chains of each model on the bundled tapes; minutes each.
posteriors: setup
	$(PY) -m mmresearch.audit.reference_posteriors

notebooks: setup
	$(VENV)/bin/jupytext --to ipynb --execute notebooks/*.py

# uv writes the lock without any address in it.
lock:
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
