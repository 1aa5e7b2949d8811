# One-line help stands behind `##`; `make` alone prints it.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := True
export PYTHONHASHSEED := 0

.PHONY: help setup spark run test coverage check serve ui compare loop demo-receiver bench refresh

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready  ## create the environment from the lock file (done by every other target)

.venv/ready: requirements.lock
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

spark: .venv/spark  ## add Apache Spark to the environment (features.engine: spark; needs Java 17)

.venv/spark .venv/bench: .venv/%: requirements-%.lock .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

run: setup  ## run the whole pipeline (dvc repro) and print the results
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro
	@$(BIN)/python -m pipeline.summary

refresh: setup  ## pull the source again, then run what depends on it
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dvc repro --force --single-item pull
	@$(MAKE) --no-print-directory run

test: setup spark  ## run the tests
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest

coverage: setup spark  ## run the tests and say which lines none of them reaches; takes twice as long
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --cov=features --cov=models --cov=serving --cov=pipeline --cov-report=term:skip-covered

check: setup  ## format, lint, types, and known vulnerabilities of the locked packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(BIN)/python .ci/audit

serve: setup  ## answer score requests on loopback with the model in force
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m serving.run

ui: setup  ## experiment comparison, report and links in the browser, on loopback
	@$(BIN)/python -m pipeline.ui

compare: setup  ## two runs on one page: champion and latest, or RUNS="A B"
	@$(BIN)/python -m pipeline.compare $(RUNS)

loop: setup  ## six months of the demo shop with the loop and without it, side by side; ten minutes
	@$(BIN)/python -m pipeline.loop

demo-receiver: setup  ## receive what the dispatcher sends to http://127.0.0.1:8080, check its signature and print it
	@$(BIN)/python -m serving.demo_receiver

bench: setup .venv/bench  ## run every benchmark; one JSON object per line
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done
