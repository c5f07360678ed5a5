# Tutela's one door. `make demo` and `make test` set up all they need; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=

.PHONY: help demo test test-long check bench bench-search bench-serve bench-attacks docs fuzz lock sbom clean

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort | expand -t 10

demo: .venv/.demo ## Set up and run the main job (ARGS=--once without a person, ARGS='--once --json')
	@.ci/kernels
	@$(BIN)/python -m tutela demo $(ARGS)

test: .venv/.test ## Set up and pass the tests
	@.ci/kernels & kernels=$$!; .ci/reference && .ci/chromium && .ci/node && wait $$kernels
	@$(BIN)/python -m pytest -n $$(( $$(nproc) + 1 )) -m "not long" $(ARGS)

test-long: .venv/.test ## Set up and pass the tests that take longer (real processes, whole demos)
	@.ci/kernels & kernels=$$!; .ci/reference && .ci/chromium && .ci/node && wait $$kernels
	@$(BIN)/python -m pytest -n $$(( $$(nproc) + 1 )) -m long $(ARGS)

check: .venv/.check ## Lint, formatting, types, import contracts, known weaknesses of packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache
	@.ci/audit

bench: .venv/.bench ## Measure everything on this machine (half an hour and more; ARGS='--only pictures')
	@.ci/reference
	@$(BIN)/python bench/run.py $(ARGS)

bench-search: .venv/.bench ## Measure exact search against faiss (N=entries, FORMAT=json for one object)
	@$(BIN)/python bench/search.py $(ARGS)

bench-serve: .venv/.bench ## Measure lookups over HTTP against ThreatExchange's index (N=entries, FORMAT=json)
	@$(BIN)/python bench/serve.py $(ARGS)

bench-attacks: .venv/.bench ## Measure what an honest caller waits for while others attack (FORMAT=json for one object)
	@$(BIN)/python bench/attacks.py $(ARGS)

docs: .venv/.demo ## Write the generated reference pages again
	@$(BIN)/python -m tutela docs write

fuzz: .venv/.test ## Fuzz every parser for longer (minutes)
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -k fuzz $(ARGS)

clean: ## Remove the virtual environment, caches and the demo's folder
	rm -rf .venv .venv-lock .venv-sbom .demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

lock: ## Write requirements/*.lock again (ARGS='--upgrade-package NAME' or ARGS=--upgrade)
	@.ci/lock $(ARGS)

sbom: .venv/.check ## Write dist/sbom.cdx.json: what an installation consists of, as CycloneDX
	@.ci/sbom

# A stamp a set of packages; what installs more also serves what needs less.
.venv/.demo: pyproject.toml requirements/core.lock .ci/environment
	@.ci/environment core && touch $@

.venv/.test: pyproject.toml requirements/test.lock .ci/environment
	@.ci/environment test && touch $@ .venv/.demo

.venv/.bench: pyproject.toml requirements/bench.lock .ci/environment
	@.ci/environment bench && touch $@ .venv/.test .venv/.demo

.venv/.check: pyproject.toml requirements/check.lock .ci/environment
	@.ci/environment check && touch $@ .venv/.test .venv/.demo
