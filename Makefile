# make demo            the whole path on the sample bears, then JupyterLab; in a container or on a server
#                      make demo ARGS="--no-browser --ip 0.0.0.0 --port 8899"
# make test            everything: lint, types, Python, JavaScript, browser, JupyterLab, notebooks
# make quick           pure Python and pure JavaScript: no training, no browser, no JupyterLab
# make ring R=browser  one ring of tests, which is a folder of tests/: browser, clean, data, js, lab, learn, …
# make lint            ruff, ty, tsc and whether the built front end is fresh
# make build           the front end; make notebooks: run the notebooks and keep their outputs
#
# On Linux without an NVIDIA GPU, PyTorch comes from its index of CPU builds, 5 GB smaller; where that cannot be
# reached, from the package index. To choose: TORCH_INDEX=https://download.pytorch.org/whl/cu132, or TORCH_INDEX= for
# the package index.

PYTHON ?= python3
BIN := .venv/bin
# Node.js comes with the Python packages of the tests.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
FRONT := bearwidgets/frontend
QUICK := $(addprefix tests/,clean data review widgets test_architecture.py test_errors.py test_files.py)
# Two processes, each with one thread and whole files of tests, use two cores better than one process with two threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations 25
RINGS := $(notdir $(patsubst %/,%,$(filter-out %/benchmarks/ %/campaigns/ %/hosts/ %/__pycache__/,$(wildcard tests/*/))))

# uv is many times faster than pip, but reads none of its settings: these hand on the index and the certificates.
# $(call from-pip,what uv calls it,what it is in the environment of pip,what it is in its files)
from-pip = $(if $($(1)),,$(addprefix $(1)=,$(or $(PIP_$(2)),$(shell $(BIN)/python -m pip config get global.$(3) 2>/dev/null))))
INSTALL = $(call from-pip,UV_DEFAULT_INDEX,INDEX_URL,index-url) $(call from-pip,SSL_CERT_FILE,CERT,cert) \
	UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --python $(BIN)/python

ifeq ($(origin TORCH_INDEX) $(shell uname -s) $(shell command -v nvidia-smi 2>/dev/null),undefined Linux )
TORCH_INDEX := https://download.pytorch.org/whl/cpu
OR_ELSE := || echo "No CPU build of PyTorch from $(TORCH_INDEX): that of the package index follows, with CUDA."
endif

.PHONY: demo test quick ring lint build notebooks clean

demo: .venv/demo
	$(BIN)/bearwidgets demo $(ARGS)

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

.venv/torch: | .venv/bin/uv
	$(if $(TORCH_INDEX),$(INSTALL) --default-index $(TORCH_INDEX) torch torchvision $(OR_ELSE))
	touch $@

.venv/demo: pyproject.toml | .venv/torch
	$(INSTALL) --editable ".[lab]"
	touch $@

.venv/test: pyproject.toml | .venv/torch
	$(INSTALL) --editable ".[dev]"
	$(BIN)/python tests/install_browser.py
	touch $@

$(FRONT)/node_modules: $(FRONT)/package-lock.json .venv/test
	cd $(FRONT) && npm ci --no-audit --no-fund
	touch $@
