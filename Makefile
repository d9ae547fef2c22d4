# Every target sets up what it needs. Nothing but Python with pip and make has to be on the machine.
PYTHON ?= python3
UV     := .uv/bin/uv
BIN    := .venv/bin
OLDEST := $(shell sed -n 's/^requires-python = ">=\(.*\)"/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup demo sandbox test test-all soak check lint types contracts format docs lock bench mutants pictures dist bootstrap deploy deploy-members deploy-member member-template diff drift destroy clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: .venv/ready ## put the command and the tools into .venv/

demo: .venv/ready ## 60 days of backups on a local Lightsail, in about two minutes
	@$(BIN)/lightkeeper demo

sandbox: .venv/ready ## start the local Lightsail, at PORT=5055; stop it with Ctrl-C
	@$(BIN)/python -m lightsail_sandbox --port $(or $(PORT),5055)

# One more than there are cores: some stories wait for a scheduler, or for a Region that hangs.
PYTEST = $(BIN)/pytest --numprocesses $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN)) --maxprocesses 4 --dist loadgroup
NODE   = $(if $(shell command -v npm),node_modules/ready)

test: .venv/ready $(NODE) ## run the tests but for the slow ones, in ten to twenty minutes on two cores
	$(PYTEST) -m "not slow"

# A deployment into a local AWS is part of them where Node is there; without it those tests say that they skip.
test-all: .venv/ready .aws-local/ready $(NODE) ## run all tests, with branch coverage: a deployment, a browser, ten thousand snapshots too
	$(PYTEST) --cov --cov-report=term

soak: .venv/ready ## chance in one account and in two, judged by the witness, for MINUTES=30 from SEED=1000
	$(BIN)/python -m tools.soak --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1000)

check: lint types contracts test-all ## lint, types, import contracts, all tests

lint: .venv/ready ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/ready ## mypy, strict
	$(BIN)/mypy

contracts: .venv/ready ## import-linter: who may import whom
	$(BIN)/lint-imports

format: .venv/ready ## let ruff correct what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/ready ## write the tables in the documents that follow from the code
	$(BIN)/cog -I . -r docs/*.md README.md

bench: .venv/ready .aws-local/ready ## planning time and memory, 1,000 to 10,000 sources; the zips; the calendar; a rate limit; TLS; a fleet that comes back; 500 accounts
	$(BIN)/python -m tools.bench.planning
	$(BIN)/python -m tools.bench.bundle
	$(BIN)/python -m tools.bench.calendar
	$(BIN)/python -m tools.bench.throttling
	$(BIN)/python -m tools.bench.tls
	$(BIN)/python -m tools.bench.restore
	$(BIN)/python -m tools.bench.fleet

pictures: .venv/ready ## the README's pictures again, from the demo; needs a Chromium
	$(BIN)/python -m tools.pictures

mutants: .venv/ready ## do the tests bite? takes the safety rules out one by one, then mutates; about an hour
	$(BIN)/python -m tests.mutation rules
	$(BIN)/python -m tests.mutation mutants

dist: .venv/ready ## dist/: zips, a plain template and a bill of materials, to deploy without a checkout; CONFIG=FILE
	@$(BIN)/python -m infra.distribution $(call WORD,$(CONFIG))

# CONFIG=customers/shop.json: the settings in that file instead of those in cdk.json, and so the stack that they name.
# HUB=123456789012: the account of the deployment; ORGANIZATION=o-a1b2c3d4e5: the one that this account belongs to.
# Plain variables: what the environment happens to call CONFIG or YES is somebody else's.
CONFIG       =
YES          =
HUB          =
ORGANIZATION =
# Without CONFIG= it would be one more target, and cdk.json would be deployed.
NAMED = $(filter %.json,$(MAKECMDGOALS))
ifneq ($(NAMED),)
$(error expected CONFIG=$(firstword $(NAMED)), which is how a file of settings is given)
endif
# The command line would advertise a newer major release, which refuses this library.
CDK = CDK_DISABLE_VERSION_CHECK=1 node_modules/.bin/cdk
# What a shell takes for one word, whatever is in it. An apostrophe would end the quotes that it stands in.
WORD = '$(subst ','\'',$(1))'
# A folder for each file: deployments do not wait for each other.
OF_CONFIG = $(if $(CONFIG), --context $(call WORD,config=$(CONFIG)) --output $(call WORD,cdk.out/$(subst /,-,$(basename $(CONFIG)))))
# The CDK would notice when it has already begun a stack.
CAN_ASK = { test -t 0 && test -t 1; } || { echo 'Not deployed: nobody can be asked, for this is no terminal; expected one, or YES=1 to deploy without asking.' >&2; exit 1; }
bootstrap: .venv/ready node_modules/ready ## once for each account and Region: what the CDK itself needs there
	$(CDK) bootstrap$(OF_CONFIG)

# What cannot be previewed does not stop it (1): without credentials, say, the CDK has more to tell. Wrong settings do (2).
deploy: .venv/ready node_modules/ready ## show what the settings would change, ask, and deploy; CONFIG=FILE, YES=1 does not ask
	@$(BIN)/lightkeeper preview$(if $(CONFIG), --config $(call WORD,$(CONFIG))) || test $$? -eq 1
	@$(if $(YES),,$(CAN_ASK))
	$(CDK) deploy --require-approval $(if $(YES),never,any-change)$(OF_CONFIG)
	@$(BIN)/python -m infra.listeners$(if $(CONFIG), --config $(call WORD,$(CONFIG)))

# With the credentials of whoever runs it, and without a bootstrap: there is nothing to upload.
WITH = $(if $(2), --$(1) $(call WORD,$(2)))
GIVEN = $(call WITH,config,$(CONFIG))$(call WITH,hub,$(HUB))$(call WITH,organization,$(ORGANIZATION))
DEPLOY_PART = parameters=$$($(BIN)/python -m infra.parameters $(1)$(GIVEN)) && $(CDK) deploy --require-approval $(if $(YES),never,any-change) --context part=$(1) $$parameters$(OF_CONFIG)
deploy-members: .venv/ready node_modules/ready ## let the deployment into all accounts of "units", and those that join; in its account, CONFIG=FILE
	@$(if $(YES),,$(CAN_ASK))
	@$(call DEPLOY_PART,members)

deploy-member: .venv/ready node_modules/ready ## let it into one account, with credentials of that; HUB=ID of its own account, CONFIG=FILE
	@$(if $(YES),,$(CAN_ASK))
	@$(call DEPLOY_PART,member)

member-template: .venv/ready ## dist/: the template that does the same where it is pasted; CONFIG=FILE
	@$(BIN)/python -m infra.member_template $(call WORD,$(CONFIG))

diff: .venv/ready node_modules/ready ## what a deployment would change
	$(CDK) diff$(OF_CONFIG)

drift: .venv/ready node_modules/ready ## what was changed by hand since the deployment; fails if there is any
	$(CDK) drift --fail$(OF_CONFIG)

# Who answers no, or interrupts, keeps a stack that is protected.
destroy: .venv/ready node_modules/ready ## take Lightkeeper out of the account, protected or not; every snapshot stays
	$(BIN)/python -m infra.protection off$(if $(CONFIG), $(call WORD,$(CONFIG)))
	trap : INT; $(CDK) destroy$(if $(YES), --force)$(OF_CONFIG); ended=$$?; $(BIN)/python -m infra.protection on$(if $(CONFIG), $(call WORD,$(CONFIG))) && exit $$ended

# A group without the project's own dependencies has its file in its name.
COMPILE = $(UV) pip compile --quiet --universal --python-version $(OLDEST) --generate-hashes --custom-compile-command "make lock"
lock: $(UV) ## compile the locks from pyproject.toml; LOCK="--upgrade" takes newer releases
	$(COMPILE) $(LOCK) --group pyproject.toml:uv --output-file .ci/uv-requirements.txt
	$(COMPILE) $(LOCK) --group pyproject.toml:lambda --output-file lambda_src/requirements.txt
	$(COMPILE) $(LOCK) --group pyproject.toml:calendar --constraint lambda_src/requirements.txt --output-file lambda_src/requirements-calendar.txt
	$(COMPILE) $(LOCK) --group pyproject.toml:aws --output-file .ci/aws-requirements.txt
	$(COMPILE) $(LOCK) pyproject.toml --all-extras --group dev --constraint lambda_src/requirements.txt --constraint lambda_src/requirements-calendar.txt --output-file requirements.txt

clean: ## remove what the targets made
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage node_modules .aws-local .bundle .mutants cdk.out lightkeeper-demo.html dist

# pip brings uv, uv fills the environment: seconds instead of a minute, and no system package is needed.
$(UV): .ci/uv-requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= tuple(map(int, "$(OLDEST)".split("."))) or sys.exit("Lightkeeper needs Python $(OLDEST) or newer: make PYTHON=/path/to/python$(OLDEST) ...")'
	@$(PYTHON) -m pip install --quiet --root-user-action=ignore --upgrade --target .uv --require-hashes --requirement $<
	@touch $@

.venv/ready: requirements.txt pyproject.toml $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/ready: package-lock.json
	@command -v npm >/dev/null || { echo 'There is no npm, which comes with Node.js, and the CDK needs it to deploy. Install Node.js 22 or newer (https://nodejs.org, or your package manager), then run make again.' >&2; exit 1; }
	@npm ci --silent --no-audit --no-fund
	@touch $@

# Apart from .venv: the local AWS wants its own botocore, and the deployed function must not find this project there.
.aws-local/ready: .ci/aws-requirements.txt $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .aws-local
	@$(UV) pip sync --quiet --python .aws-local/bin/python --require-hashes .ci/aws-requirements.txt
	@touch $@
