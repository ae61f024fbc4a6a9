# Two commands that need nothing but Python 3.11+ and make:
#   make demo   the example suites, with the two small models of the package drawn from live
#   make test   lint, types and tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint format bench clean

MODELS := --toolmatch-mode=live --toolmatch-teacher=pocket:base --toolmatch-student=pocket:small --toolmatch-samples=10
CASE := last-order-grater

# The second run shows one case in full: the teacher's chain beside the student's.
demo: $(INSTALLED)
	@$(BIN)/pytest suites $(MODELS) -q -r f; \
	echo "pytest's exit status: $$? (0: every gate holds; 1: a case or a gate failed, as two of the demo do, or a gate is undecided)"; \
	echo; echo "One of the cases that diverge:"; \
	$(BIN)/pytest suites/support $(MODELS) -q -r N --runxfail --no-header -k $(CASE) | sed '/= toolmatch =/,$$d'

test: lint
	$(BIN)/pytest -n 2

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)
	for bench in benches/*.py; do $(BIN)/python $$bench || exit 1; done

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
