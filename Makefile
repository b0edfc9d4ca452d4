# make lab     open the course in JupyterLab, everything installed
# make test    execute every notebook and run all tests
# The others are for maintainers. Each can be repeated, and does nothing that is done already.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.requirements.sha256
NB ?=
REPO ?=
BENCH ?=

.PHONY: lab test data install execute utils colab bench checkpoint clean
.DEFAULT_GOAL := lab

lab: install
	@$(RUN) -m data.downloads </dev/null || echo "Some real data could not be fetched: every lesson runs without it."
	$(RUN) -m jupyterlab

test: install
	$(RUN) -m tools.suite

# .venv is made anew when its Python is gone, and filled again when requirements.txt is not the one it was filled from
install:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  "The course needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d: try  make PYTHON=python3.11 ..." % v)'
	@$(RUN) -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PYTHON) -c 'import hashlib; print(hashlib.sha256(open("requirements.txt", "rb").read()).hexdigest())' >$(VENV)/.wanted
	@cmp -s $(VENV)/.wanted $(STAMP) || { $(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt \
	  </dev/null && mv $(VENV)/.wanted $(STAMP); }

data: install
	$(RUN) -m data.downloads </dev/null

execute: install
	$(RUN) -m tools.execute $(NB)

utils: install
	$(RUN) -m tools.export

colab: install
	@test -n "$(REPO)" || { echo "usage: make colab REPO=owner/name"; exit 2; }
	$(RUN) -m tools.head --repository "$(REPO)"

bench: install
	$(RUN) -m tools.bench $(BENCH)

checkpoint: install
	$(RUN) -m tools.checkpoint

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
