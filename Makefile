PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: studio test lint docs bench clean

studio: $(VENV)/studio-installed  ## open the studio in the browser
	$(BIN)/streamlit run streamlit_app.py

test: export PYTHONDONTWRITEBYTECODE =  # else each of hundreds of processes compiles all modules anew
test: export OMP_NUM_THREADS = 1  # two processes of tests share two cores: threads of each would wait for the other's
test: export OMP_WAIT_POLICY = passive  # one that waits for its other threads leaves the core to other processes
test: $(VENV)/test-installed $(if $(PART),,lint)  ## lint, types and all tests; PART=ftl: those of tests/ftl alone
	$(BIN)/python tests/find_browser.py
	$(BIN)/python -m pytest --durations=15 $(if $(PART),tests/$(PART))

lint: $(VENV)/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/docs-installed  ## the documentation as a site in site/; a broken link is an error
	$(BIN)/mkdocs build --strict

bench: $(VENV)/test-installed  ## ratios against a bound or a peer; nothing else should be running
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.head
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.surface
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.assists
	$(BIN)/python -m benchmarks.cluster
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.latency

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -qy python3-venv && $(PYTHON) -m venv $(VENV); } || \
	  { rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }

$(VENV)/studio-installed: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	touch $@

$(VENV)/test-installed: requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements-dev.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	touch $@

$(VENV)/docs-installed: requirements-docs.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements-docs.txt
	touch $@

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
