# `make` lists what there is; `make demo`, `make test` and `make setup` work from a fresh clone with only Python 3.11 or newer
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint types notebooks wheel clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(VENV)/.ready ## environment in .venv: the locked versions and dancepose in editable form

# never without the constraints: newer releases of torch, lightning or hydra need not fit together
$(VENV)/.ready: pyproject.toml requirements.lock.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dancepose needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c requirements.lock.txt -e '.[dev]'
	@touch $@

demo: setup ## draw dance scenes, train a small pose network on them, a classifier of actions, and compare four attentions
	$(BIN)/dancepose-train experiment=demo
	$(BIN)/dancepose-train experiment=demo_motion
	$(BIN)/dancepose-train experiment=demo_attention hydra/launcher=pool rerun=failed
	$(BIN)/dancepose-compare 'sweeps=[outputs/sweeps/demo_attention]' against=none rounds=20

# worksteal: neighbours run on one worker and share what a fixture has trained
test: setup ## the test suite, without what takes longest
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

test-all: setup ## the whole test suite: sweeps and kills, exports, notebooks, compiled kernels, too
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: setup ## ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy
	$(BIN)/mypy

notebooks: setup ## write the notebooks anew from their texts (needs the extra `notebooks`)
	$(BIN)/jupytext --quiet --to ipynb notebooks/*.py

wheel: setup ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean: ## remove the environment, caches and builds (run directories stay)
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
