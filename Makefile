# make run   train HybridSN on Indian Pines and map the scene      make test   run the tests
# make test ARGS="-m long"  those that take long and repeat what quicker ones show: before a release
# make lint  style, format and types                               make bench  shared trunk against window by window
# make fuzz  read 100,000 damaged files, in watched processes     make soak   kill, fill the disk, share folders: an hour
# make cluster  a sweep and a map by Slurm, nodes lost meanwhile (apt-get install slurm-wlm munge)
# make mutants  change one thing of the code at a time and see a test fail: many hours
# make site  the documentation as pages, in outputs/site
# make release  wheel and sdist in dist/, checked             make lowest  tests, with the lowest versions that are allowed
# All create .venv and keep it up to date by themselves. ARGS are passed on: make run ARGS="+attention=se seed=1"
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: run test fuzz soak cluster mutants lint format bench site release lowest clean

run: .venv/ready
	$(BIN)/python -m hsi.run $(ARGS)

test: .venv/ready
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

fuzz: .venv/ready
	$(BIN)/python -m tests.fuzz $(ARGS)

soak: .venv/ready
	$(BIN)/python -m tests.soak $(ARGS)

cluster: .venv/ready
	$(BIN)/python -m tests.cluster $(ARGS)

mutants: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[mutation]"
	OMP_NUM_THREADS=1 $(BIN)/python -m mutmut run $(ARGS)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python -m hsi.bench $(ARGS)

site: .venv/ready
	$(BIN)/python -m mkdocs build --quiet $(ARGS)

release: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[release]"
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

lowest: .venv/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[release]"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python outputs/lowest
	$(BIN)/uv pip install --quiet --python outputs/lowest --resolution lowest-direct --editable ".[dev,tensorboard,mlflow,timm]"
	outputs/lowest/bin/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

# The constraints hold the tested versions; torch first, so that its pinned build is the one that all the others see.
.venv/ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf .venv outputs dist
