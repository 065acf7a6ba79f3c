# Everything a checkout needs, on Linux and macOS, from Python 3.11 or newer and make alone.
# `make` lists the targets; every one of them does the set-up first where it is missing or out of date.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# The first of these that is new enough makes the environment: `make setup PYTHON=/path/to/python3` to choose.
PYTHON ?= python3.11 python3 python3.12 python3.13 python3.14
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

# `make lock UPGRADE=--upgrade` refreshes every pin; without it only what pyproject.toml asks for is changed.
UPGRADE ?=

# `make lab LAB='--no-browser --port 9999'` hands options on to JupyterLab.
LAB ?=

# `make site SITE=--no-solutions` leaves the solutions out.
SITE ?=

# `make mutants MUTANTS=source/01_activations/activations.ipynb` takes one notebook instead of all.
MUTANTS ?=

# uv trusts the certificates that this computer trusts, as pip does: some campus networks need it.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS

# All is compiled when it is installed: where Python may not write bytecode (many containers forbid it, and so does the
# judge), each process would compile it anew.
export UV_COMPILE_BYTECODE := 1

# Runs a command as if the environment were activated: nbgrader looks for its own tools on the path.
RUN := PATH="$(abspath $(BIN)):$$PATH"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test thorough lab site release lint lock bench mutants

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with the packages of requirements.lock and this project

demo: $(READY) ## grade a simulated class of students, from hand-in to report
	$(RUN) course demo

# Two processes with a core each: more threads would only wait for each other.
test: $(READY) ## run the tests, with a sample of the banks' answers and without the longest trainings
	$(RUN) OMP_NUM_THREADS=1 pytest -n 2 --dist worksteal

thorough: $(READY) ## run every test with all answers and many seeds, and the longest trainings: takes hours
	$(RUN) OMP_NUM_THREADS=1 pytest -n 2 --dist worksteal --thorough

# Without the tools that are for instructors, the pop-up with news, and forty lines of log. The first time with the
# contents open; later as the reader left it.
lab: $(READY) ## open your own copy of the notebooks in JupyterLab, where there is something to do
	@next=$$($(BIN)/course workspace --next) && \
	    export JUPYTER_CONFIG_PATH="$(abspath tools/lab)" JUPYTERLAB_WORKSPACES_DIR="$(abspath my_work/.lab)" && \
	    { test -d my_work/.lab || $(RUN) jupyter lab workspaces import --log-level=ERROR tools/lab/contents_open.json; } && \
	    $(RUN) jupyter lab --log-level=ERROR --LabApp.default_url="/lab/tree/$$next" $(LAB)

site: $(READY) ## make the reading site in _site/: every chapter as a page, solutions folded
	$(RUN) course site $(SITE)

release: $(READY) ## make the student notebooks in release/ from source/
	$(RUN) course release

lint: $(READY) ## check style, types and which package knows which, notebooks too
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

bench: $(READY) ## try every attack on stock nbgrader and on the judge, and time both
	$(RUN) python -m benchmarks.attacks
	$(RUN) python -m benchmarks.grading
	$(RUN) python -m benchmarks.wire

mutants: $(READY) ## change every reference solution in every small way, and show what costs no marks
	$(RUN) python -m course.authoring.mutation_testing $(MUTANTS)

lock: $(READY) ## pin the dependencies of pyproject.toml again in requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --extra dev --extra site --python-version 3.11 -o requirements.lock pyproject.toml $(UPGRADE)

# An environment whose Python has gone isn't ready.
$(shell test -x $(BIN)/python || rm -f $(READY))

$(BIN)/python:
	@for python in $(PYTHON); do \
	    if $$python -c '$(USABLE)' 2>/dev/null; then exec $$python -m venv --clear $(VENV); fi; \
	done; \
	echo 'Python 3.11 or newer with its venv module is needed: install it (Debian, Ubuntu: apt-get install python3-venv) or name it: make setup PYTHON=/path/to/python3' >&2; \
	exit 1

# uv comes from PyPI, in the version that the lock pins; what a reader has added to .venv stays there. Nothing is
# installed whose hash isn't in the lock; pip finds uv's in the lines that belong to it.
$(READY): requirements.lock pyproject.toml | $(BIN)/python
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r /dev/stdin
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --build-constraints requirements.lock -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q course helpers
	@touch $@
