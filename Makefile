# make demo            the whole path on the sample bears, then JupyterLab
# make test            everything: lint, types, Python, JavaScript, browser, JupyterLab, notebooks
# make quick           pure Python and pure JavaScript: no training, no browser, no JupyterLab
# make ring R=browser  one ring of tests, which is a folder of tests/: browser, clean, data, js, lab, learn, …
# make lint            ruff, ty, tsc and whether the built front end is fresh
# make build           the front end; make notebooks: run the notebooks and keep their outputs

PYTHON ?= python3
BIN := .venv/bin
# Node.js comes with the Python packages of the tests.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
FRONT := bearwidgets/frontend
QUICK := $(addprefix tests/,clean data review widgets test_architecture.py test_errors.py test_files.py)
# Two processes, each with one thread and whole files of tests, use two cores better than one process with two threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile
RINGS := $(notdir $(patsubst %/,%,$(filter-out %/benchmarks/ %/campaigns/ %/hosts/ %/__pycache__/,$(wildcard tests/*/))))

.PHONY: demo test quick ring lint build notebooks clean

demo: .venv/demo
	$(BIN)/bearwidgets demo

test: lint
	cd $(FRONT) && npm test
	$(PYTEST)

quick: $(FRONT)/node_modules
	cd $(FRONT) && npm test
	$(PYTEST) $(QUICK) -m "not slow and not trains"

ring: $(FRONT)/node_modules
	@test -d tests/$(or $(R),none) || { echo "make ring R=NAME, NAME one of" $(RINGS); exit 2; }
	$(if $(filter js,$(R)),cd $(FRONT) && npm test,$(PYTEST) tests/$(R))

lint: .venv/test $(FRONT)/node_modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ty check
	cd $(FRONT) && npm run check && npm run fresh

build: $(FRONT)/node_modules
	cd $(FRONT) && npm run build

notebooks: .venv/test
	$(BIN)/python tests/execute_notebooks.py

clean:
	rm -rf .venv $(FRONT)/node_modules

.venv/bin/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv

.venv/demo: pyproject.toml | .venv/bin/uv
	$(BIN)/uv pip install --python $(BIN)/python --editable ".[lab]"
	touch $@

.venv/test: pyproject.toml | .venv/bin/uv
	$(BIN)/uv pip install --python $(BIN)/python --editable ".[dev]"
	$(BIN)/python tests/install_browser.py
	touch $@

$(FRONT)/node_modules: $(FRONT)/package-lock.json .venv/test
	cd $(FRONT) && npm ci --no-audit --no-fund
	touch $@
