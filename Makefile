PYTHON ?= python3
BIN := .venv/bin
RECIPE ?= recipes/lora_ner.yaml

.PHONY: help install demo test lint format types unit bench baseline matrix schema readme clean

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed  ## make .venv with everything that pefbench and its tests need

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,quantize]'
	@touch $@

demo: install  ## run the main job and print its result table
	$(BIN)/accelerate launch --quiet pefbench run $(RECIPE)

test: lint types unit  ## everything that CI runs

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

unit: install
	$(BIN)/pytest --numprocesses 2 --dist worksteal

format: install  ## format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## the same job with pefbench and with transformers' Trainer, alternating
	$(BIN)/python benchmarks/against_trainer.py

baseline: install  ## record results/baseline anew
	$(BIN)/python -m tests.write_baseline
	rm -rf results/baseline/*/*/

matrix: install  ## try every method on tiny models of every architecture, and write down what works
	$(BIN)/python -m tests.write_matrix

schema: install  ## write the JSON schemas of recipes and comparisons anew
	$(BIN)/pefbench schema > recipes/schema.json
	$(BIN)/pefbench schema compare > recipes/compare/schema.json

readme: install  ## put the baseline's table into the README
	$(BIN)/python -m tests.readme_parts

clean:  ## remove what `make` made, but no results
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
