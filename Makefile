# Every target makes for itself what it needs; what is there already is not made again.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# More arguments for what runs: make demo ARGS="--for 90s --headless", make test ARGS="-k battery".
ARGS ?=
# Programs taken out of container images lie beside watchman.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
# A file of tests stays on one core: its tests share the servers they start.
PYTEST := $(IN_VENV) .venv/bin/python -m pytest
ON_TWO_CORES := -n 2 --dist loadfile

.PHONY: help install demo test test-fast soak lint bench docs image lock clean dev tools
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## .venv/bin/watchman with its locked packages
	@scripts/venv.sh runtime

demo: install tools ## a whole home on this machine: battery, Prometheus, alert, digest
	@exec env $(IN_VENV) .venv/bin/watchman demo $(ARGS)

test: dev tools lint ## everything: style, types, unit and integration tests
	$(PYTEST) -m "not soak" $(ON_TWO_CORES) $(ARGS)

test-fast: dev ## tests that need no server, under a minute
	$(PYTEST) -m "not integration and not soak" $(ON_TWO_CORES) $(ARGS)

soak: dev tools ## long tests: kills, fuzzing, fast clocks
	$(PYTEST) -m soak $(ARGS)

lint: dev ## style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: dev tools ## every measurement in bench/, as one table
	$(IN_VENV) .venv/bin/python bench/run.py $(ARGS)

docs: ## the documents as pages in site/
	@scripts/venv.sh docs
	.venv/bin/mkdocs build --strict --quiet $(ARGS)

image: ## the container image, with docker, podman or buildah
	@scripts/image.sh $(ARGS)

lock: ## the lock files anew from pyproject.toml (ARGS=--upgrade for newest versions)
	@scripts/lock.sh $(ARGS)

clean: ## removes what the other targets made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev:
	@scripts/venv.sh dev

tools:
	@scripts/tools.sh
