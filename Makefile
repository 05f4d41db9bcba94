# make demo   the whole path on the sample bears, then JupyterLab
# make test   everything: lint, types, Python, JavaScript, browser, JupyterLab, notebooks
# make lint   ruff, ty, tsc and whether the built front end is fresh
# make build  the front end; make notebooks: run the notebooks and keep their outputs

PYTHON ?= python3
BIN := .venv/bin
# Node.js comes with the Python packages of the tests.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
FRONT := bearwidgets/frontend

.PHONY: demo test lint build notebooks clean

demo: .venv/demo
	$(BIN)/bearwidgets demo

test: .venv/test lint
	cd $(FRONT) && npm test
	$(BIN)/python -m pytest

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
