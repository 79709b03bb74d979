PYTHON ?= python3
BIN := .venv/bin
RECIPE ?= recipes/lora_ner.yaml

.PHONY: help install demo test lint format types unit slow deepspeed servers docs wheel release hooks bench baseline comparisons matrix schema readme clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# --use-pep517: builds seqeval in isolation; pip 23.0 would run its setup.py, whose setuptools_scm lacks a dependency.
install: .venv/installed  ## make .venv with everything that pefbench and its tests need

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -c constraints.txt -e '.[dev,docs,quantize]'
	@touch $@

demo: install  ## run the main job and print its result table
	$(BIN)/accelerate launch --quiet pefbench run $(RECIPE)

test: lint types unit  ## linter, type checker, tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

unit: install
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m 'not slow'

slow: install  ## the tests that take more than a minute each: the tutorial, the notebook
	$(BIN)/pytest -m slow

deepspeed: install  ## the tests of DeepSpeed's ZeRO-3, on a CPU; installs DeepSpeed
	$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -c constraints.txt -e '.[deepspeed]'
	$(BIN)/pytest -m slow tests/trial/test_zero3.py

servers:  ## install the servers that some tests start, SLURM and PostgreSQL, from Debian; as root
	apt-get update -qq
	apt-get install -qq --no-install-recommends slurmctld slurmd slurm-client munge postgresql

docs: install  ## build the documentation into build/site; any warning fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

wheel: install  ## build the wheel and the source distribution into dist/
	$(BIN)/python -m build --outdir dist

release: wheel  ## build for the tag in GITHUB_REF_NAME, which must be the version, and try the wheel
	test "$$GITHUB_REF_NAME" = "v$$($(BIN)/python -c 'import pefbench; print(pefbench.__version__)')"
	$(BIN)/pytest tests/test_package.py

hooks: install  ## have git run lint and types before each commit, as CI does
	$(BIN)/pre-commit install

format: install  ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## run the same job with pefbench and with transformers' Trainer, alternating
	$(BIN)/python -m benchmarks.against_trainer

baseline: install  ## record results/baseline again; continues where it stopped
	$(BIN)/python -m tests.write_baseline
	rm -rf results/baseline/*/*/

comparisons: install  ## record results/compare again: about eight hours on two cores; continues where it stopped
	$(BIN)/python -m tests.write_comparisons

matrix: install  ## try every method on tiny models of every architecture, and record what works; continues where it stopped
	$(BIN)/python -m tests.write_matrix
	$(BIN)/pytest -q --numprocesses 2 --dist worksteal --grid all -m sample tests
	$(BIN)/pytest -q --numprocesses 2 --dist worksteal --grid all tests/models/patches/test_generation.py

schema: install  ## write the JSON schemas of recipes and comparisons again
	$(BIN)/pefbench schema > recipes/schema.json
	$(BIN)/pefbench schema compare > recipes/compare/schema.json

readme: install  ## put what the commands print into the README and the results pages
	$(BIN)/python -m docs.generate.parts

clean:  ## remove what `make` made, except results
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
