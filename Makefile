# The book, its tests, its checks. `make` alone lists what there is to do.
#
#   PYTHON=python3.12 make book    another Python (3.11 to 3.13) for the environment
#   NEWEST=1 make test             newest versions of all packages instead of the pinned ones

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin
NEWEST ?=
READY := $(VENV)/.ready$(if $(NEWEST),-newest)

.PHONY: help book test serve check rerun memory lint environment clean lock repository

help:  ## this list | at once | here
	@awk -F ' *## | *[|] *' '/^[a-z]+:.* ## / { split($$1, name, ":"); \
	  printf "make %-11s %s\n%17stime: %s; result: %s\n", name[1], $$2, "", $$3, $$4 }' \
	  $(firstword $(MAKEFILE_LIST))

book: $(READY)  ## run the notebooks, build the site | 4 min, then seconds | _build/html/index.html
	$(BIN)/python -m book.tools

test: $(READY)  ## the test suite | 10 to 18 min on 2 cores | the closing line of pytest
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

serve: _build/html/index.html $(READY)  ## show the built book on this machine | until Ctrl-C | http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

check: _build/html/index.html $(READY)  ## open every page in Chromium, phone and desktop | 2 min | one line a finding
	scripts/get_chromium.sh
	$(BIN)/python scripts/check_site.py _build/html

_build/html/index.html:
	@echo "No book yet: run 'make book' first." >&2; exit 1

rerun: $(READY)  ## train a sample of the records again | 6 min on 1 core | book/rerun.json, to commit
	$(BIN)/python -m book.tools --rerun

memory: $(READY)  ## train two models, measure what they remember | 10 min on 1 core | book/memory.json, to commit
	$(BIN)/python -m book.tools --memory

lint: $(READY)  ## style and format of code and notebooks | seconds | one line a finding
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

environment: $(READY)  ## only install what the others need | 5 min | .venv

clean:  ## remove the built book; the environment and the records stay | at once | no _build/
	rm -rf _build

lock:  ## pin the newest versions that fit together | 5 min | requirements.txt
	scripts/bootstrap.sh _build/lock
	_build/lock/bin/python -m pip install --quiet ".[book,site,test]"
	scripts/pins.sh _build/lock/bin/python > _build/requirements.txt
	mv _build/requirements.txt requirements.txt

repository: $(READY)  ## say where this repository lives: URL=https://... | at once | Colab buttons
	$(BIN)/python scripts/set_repository.py "$(URL)"

# A stamp, so that the second call costs nothing; written last, so that an interrupted
# installation is taken up again.
$(VENV)/.ready: requirements.txt pyproject.toml scripts/bootstrap.sh
	scripts/bootstrap.sh $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.ready-newest: pyproject.toml scripts/bootstrap.sh
	scripts/bootstrap.sh $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade --editable ".[book,site,test]"
	touch $@
