# The two commands are `make book` and `make test`; `make help` lists the rest.
# Everything runs in .venv, which is made when it is missing. Choose its Python with `make book PYTHON=python3.12`.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/peers
LAB_SETTINGS := $(VENV)/etc/jupyter/labconfig/default_setting_overrides.json
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON := $(firstword $(foreach python,python3 python3.13 python3.12 python3.11,\
	$(shell $(python) -c '$(SUITABLE)' 2>/dev/null && echo $(python))))

.DEFAULT_GOAL := help
.PHONY: help book test test-library mutants notebooks lab exam serve bench lint constraints clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

book: $(INSTALLED)  ## execute the chapters that changed and write the site
	@$(BIN)/python tools/build_book.py
	@echo "The book is ready. Its first page: $(CURDIR)/_build/html/index.html"

test: book  ## build the book and run every test
	@$(BIN)/python -m pytest

test-library:  ## run the library's tests on the oldest NumPy that it takes, and on the newest
	@$(PYTHON) tools/test_library.py

mutants:  ## change the library in one place at a time, and say which changes no test notices
	@$(PYTHON) tools/test_mutants.py

notebooks: $(INSTALLED)  ## write the notebooks that people run, to _build/notebooks, without the site
	@$(BIN)/python tools/build_book.py --notebooks-only

lab: $(INSTALLED)  ## open JupyterLab, where every chapter opens as a notebook
	@$(BIN)/jupytext-config --settings-file $(LAB_SETTINGS) set-default-viewer markdown myst
	@$(BIN)/jupyter lab chapters

exam: $(INSTALLED)  ## write twelve exam questions and their answers to _build/exam; SEED=7 draws other numbers
	@$(BIN)/python tools/make_exam.py --seed $(or $(SEED),0)

serve: book  ## serve the site on this machine; a chapter that is saved is built and shown again
	@$(BIN)/python tools/serve_book.py

bench: $(INSTALLED) $(PEERS)/.installed  ## time and check the libraries side by side, for the chapter on speed (15 minutes)
	@$(BIN)/python -m benchmarks

lint: $(INSTALLED)  ## check the style of the code, the types of xent_lib and the form of the workflows
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/python -m mypy
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

constraints: $(INSTALLED)  ## write what is installed now to constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean:  ## delete the site and the execution cache, keep the environment
	rm -rf _build

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
ifeq ($(PYTHON),)
	$(error This course needs Python 3.11, 3.12 or 3.13, and none was found: install one, or name it with `make book PYTHON=/path/to/python`)
endif
	@$(PYTHON) -c '$(SUITABLE)' || { echo "This course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -r requirements.txt -c constraints.txt
	$(BIN)/python -m pip install --no-deps --editable .
	@touch $@

$(PEERS)/.installed: benchmarks/requirements.txt $(INSTALLED)
	$(BIN)/python -m pip install --no-deps --upgrade --target $(PEERS) -r benchmarks/requirements.txt
	@touch $@
