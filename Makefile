# `make dev` serves Roster on this machine, `make check` tests it natively, `make test` proves it. They install what is
# missing, at pinned versions: Rust by rustup, Node and wrangler by npm into node_modules, the builders and cargo-deny by
# cargo into the user's cache.

PORT ?= 8787
FUZZ_SECONDS ?= 600

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roster
WORKER_BUILD := $(CACHE)/worker-build-0.8.7/bin/worker-build
WASM_BINDGEN_VERSION := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock 2>/dev/null)
WASM_BINDGEN := $(CACHE)/wasm-bindgen-$(WASM_BINDGEN_VERSION)/bin/wasm-bindgen
CARGO_DENY := $(CACHE)/cargo-deny-0.20.2/bin/cargo-deny
SCHEMATHESIS := $(CACHE)/schemathesis-4.32.5/bin/schemathesis
PYTHON_CLIENT := $(CACHE)/openapi-python-client-0.29.1/bin/openapi-python-client
CLIENTS := tests/clients/node_modules
SDKS := tests/sdks/node_modules
WORKFLOW_LINTERS := $(CACHE)/workflow-linters-1.32.0/bin/zizmor
CARGO_FUZZ := $(CACHE)/cargo-fuzz-0.13.2/bin/cargo-fuzz
FUZZ_TARGETS := $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))
WORKER := build/index.js
ASSETS := build/public/openapi.yaml
RELEASE := roster-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml 2>/dev/null)
# What it takes to deploy, and to run, what is built.
RELEASED := build src/edge/entry.js migrations scripts wrangler.toml Makefile package.json package-lock.json .npmrc .env \
	.dev.vars.example openapi.yaml LICENSE $(wildcard *.md docs)
# Says that the migrations were applied to the D1 of `wrangler dev`, and goes with it.
LOCAL_D1 := .wrangler/state/migrated
# The configuration of `make dev` and of the tests: with every optional binding.
LOCAL_CONFIG := wrangler.local.toml
CREATE_KEY := curl -X POST http://localhost:8787/v1/keys -H "Authorization: Bearer development-only-admin-token" -d '{"name": "development"}'

# Make 3.81, which macOS has, looks for the program of a simple line in its own PATH unless the shell is another one.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export WASM_BINDGEN_BIN := $(WASM_BINDGEN)
export WASM_OPT_BIN := $(CURDIR)/node_modules/.bin/wasm-opt
export ESBUILD_BIN := $(CURDIR)/node_modules/.bin/esbuild
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

# One form of cargo's commands for all that is tested, so that nothing is compiled with two sets of features.
TEST := cargo test --locked --workspace

# What tools have in common is compiled once. To compile takes far longer than to run, so they are neither optimised nor
# given debug information.
INSTALL := CARGO_TARGET_DIR=target/tools CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug

.DELETE_ON_ERROR:
.PHONY: help dev check test conformance mixed fuzz bench soak audit deny lint workflows lint-workflows size sbom notes build wrangler-build local deploy deploy-test rollback release rust clean

dev: build local ## serve Roster on http://localhost:8787, or PORT
	@node scripts/dev.mjs $(PORT)

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1:/p' Makefile | awk -F: '{ name = $$1; sub(/^[a-z]*:/, ""); printf "make %-12s %s\n", name, $$0 }'

check: rust build/index.d.ts ## run while working: format, lints, native tests
	biome check --error-on-warnings .
	tsc
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	$(TEST) --lib --bins
	$(TEST) --test openapi --test docs --test fuzz
	for transport in native sqlite; do ROSTER_TRANSPORT=$$transport $(TEST) --test contract -- scripts:: || exit; done
	for buckets in 1 4; do ROSTER_TRANSPORT=sqlite ROSTER_BUCKETS=$$buckets $(TEST) --test contract -- scripts:: || exit; done

test: ## run everything CI checks: make check first, then lints, the Worker's build and all tests on it
	@# One after the other, whatever -j says: what fails fast comes first.
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory lint build $(SDKS)/.package-lock.json
	node --test --test-isolation=none 'tests/console/*.test.mjs'
	$(TEST) -- --skip hops::
	$(MAKE) --no-print-directory deploy-test
	ROSTER_BUCKETS=4 $(TEST) --test contract -- scripts::
	ROSTER_BUCKETS=1 $(TEST) --test contract -- scripts::upsert scripts::list
	@# These measure time: nothing runs beside them.
	$(TEST) --test contract -- --nocapture --test-threads 1 hops::

# On what is built, packed and unpacked again. In one process, so that what wrangler did once need not be done again.
deploy-test: release
	node --no-warnings --test --test-isolation=none 'tests/deploy/*.test.mjs'

bench: $(if $(URL),,build) ## measure Roster beside its peers: ONLY='read|401'; or one that is deployed: URL=https://… KEY=ros_…
ifdef URL
	@node bench/deployed.mjs
else
	node --test --test-isolation=none bench/peers/alike.test.mjs
	node bench/run.mjs
	$(if $(ONLY),,for bench in hops limits limiter processes start; do node bench/$$bench.mjs || exit; done)
endif

soak: build ## send mixed calls for three minutes, and watch status, memory and latency
	node tests/soak.mjs

mixed: build ## run this version and an earlier VERSION side by side, each one's Worker on the other's objects
	@[ -n "$(VERSION)" ] || { echo "which earlier version? make mixed VERSION=<tag or commit>" >&2; exit 1; }
	mkdir -p target/mixed/$(VERSION)
	git archive $(VERSION) | tar -x -C target/mixed/$(VERSION)
	$(MAKE) --no-print-directory -C target/mixed/$(VERSION) build
	node tests/mixed.mjs target/mixed/$(VERSION)

# Advisories are fetched, and skipped where they can't be.
audit: deny node_modules/.package-lock.json ## look up advisories on every dependency
	@if $(CARGO_DENY) --workspace fetch db >/dev/null 2>&1; then $(CARGO_DENY) --locked --workspace check --disable-fetch advisories; \
		else echo "skipped: the advisories for crates can't be fetched from here"; fi
	@if npm audit --json 2>/dev/null | grep -q auditReportVersion; then npm audit; \
		else echo "skipped: this npm registry has no advisories"; fi

deny: $(CARGO_DENY) ## check licences and sources of every crate
	@for manifest in $(wildcard Cargo.toml tests/fuzz/Cargo.toml); do \
		$(CARGO_DENY) --manifest-path $$manifest --locked --workspace --log-level error check bans licenses sources || exit; done

conformance: build $(SCHEMATHESIS) $(PYTHON_CLIENT) $(CLIENTS)/.package-lock.json $(SDKS)/.package-lock.json ## hold the Worker against others: a fuzzer, generated clients, Segment's SDKs
	$(dir $(SCHEMATHESIS))python tests/python/examples.py
	PATH="$(CURDIR)/$(CLIENTS)/.bin:$(dir $(PYTHON_CLIENT)):$$PATH" SCHEMATHESIS=$(SCHEMATHESIS) \
		$(TEST) --test contract -- --ignored --nocapture conformance:: sdks::

# No sanitizer: there is no unsafe code. What is found goes to tests/fuzz/target, not to the corpus.
fuzz: $(CARGO_FUZZ) ## fuzz each target for FUZZ_SECONDS, 600 by default
	for target in $(FUZZ_TARGETS); do \
		mkdir -p tests/fuzz/target/found/$$target && $(CARGO_FUZZ) run --fuzz-dir tests/fuzz --sanitizer none $$target \
			tests/fuzz/target/found/$$target tests/fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

workflows: ## check the workflows of GitHub
	@if python3 -c "import ensurepip" 2>/dev/null; then $(MAKE) --no-print-directory lint-workflows; \
		else echo "skipped: the workflows are checked by Python 3 with venv, which is not on this machine"; fi

lint-workflows: $(WORKFLOW_LINTERS)
	$< --offline --quiet .github
	$(<D)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(<D)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	PATH="$(<D):$$PATH" python tests/python/workflows.py .github/workflows/*.yml
	$(<D)/shellcheck .ci/run

# Bytes of the Worker's module, gzipped, that may pass.
MAX_WORKER_BYTES ?= 323000
# Bytes of the console, gzipped, that may pass.
MAX_CONSOLE_BYTES ?= 80000
size: build ## check that the Worker can be uploaded, and what it weighs
	wrangler deploy --dry-run --env ''
	@bytes=$$(gzip -9c build/index_bg.wasm | wc -c) && echo "$$bytes bytes of WebAssembly, gzipped; at most $(MAX_WORKER_BYTES)" \
		&& [ $$bytes -le $(MAX_WORKER_BYTES) ]

sbom: node_modules/.package-lock.json ## write to dist/ what the deployed Worker consists of
	mkdir -p dist
	node scripts/sbom.mjs > dist/roster.cdx.json

notes: ## print what CHANGELOG.md says of this version; TAG must be its tag
	@version=$$(sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml) && [ "$${TAG:-v$$version}" = "v$$version" ] \
		|| { echo "Cargo.toml is of v$$version, not $$TAG" >&2; exit 1; } \
		&& awk -v version="$$version" '$$1 == "##" { found = $$2 == version; some += found; next } found; END { exit !some }' CHANGELOG.md

lint: rust deny workflows build/index.d.ts ## check format, lints, docs, licences, workflows
	biome check --error-on-warnings .
	tsc
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --package roster --target wasm32-unknown-unknown -- --deny warnings
	@# Not the tool: its doc comments are its help texts.
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --lib --no-deps --document-private-items
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --package roster --no-deps --document-private-items --target wasm32-unknown-unknown

# A release, which has no Cargo.toml, was built.
build: $(if $(wildcard Cargo.toml),$(ASSETS) $(LOCAL_CONFIG),node_modules/.package-lock.json) ## build the Worker into build/

# The [build] command of wrangler.toml. `wrangler dev` needs settings and tables as well, unless whoever runs it keeps
# its own elsewhere and says so with OWN_STATE.
wrangler-build: build $(if $(filter dev,$(WRANGLER_COMMAND)),$(if $(OWN_STATE),,local))

local: .dev.vars $(LOCAL_D1)

deploy: node_modules/.package-lock.json ## build, migrate D1, upload and try the Worker: ENV=staging, DRY_RUN=1
	@node --no-warnings scripts/deploy.mjs $(ENV)

rollback: node_modules/.package-lock.json ## give an earlier VERSION of the Worker all traffic again: ENV=staging
	@node --no-warnings scripts/rollback.mjs "$(VERSION)" $(ENV)

release: build ## pack what is built into dist/: it can be deployed without Rust
	mkdir -p dist/$(RELEASE)
	tar -cf - $(RELEASED) | tar -xf - -C dist/$(RELEASE)
	tar -czf dist/$(RELEASE).tar.gz -C dist $(RELEASE)
	rm -r dist/$(RELEASE)

clean: ## remove everything that was built or installed here, and local data
	rm -rf build dist $(LOCAL_CONFIG) node_modules $(CLIENTS) $(SDKS) target tests/fuzz/target .wrangler

$(WORKER): $(shell find src -type f) Cargo.toml Cargo.lock rust-toolchain.toml Makefile $(WORKER_BUILD) $(WASM_BINDGEN) node_modules/.package-lock.json | rust
	$(WORKER_BUILD) --release
	@# worker-build keeps the names of functions: a quarter of the bytes.
	wasm-opt --strip-debug build/index_bg.wasm --output build/index_bg.wasm
	@touch $@

$(ASSETS): $(WORKER) $(wildcard web/page/* web/console/* web/console/*/*) openapi.yaml
	mkdir -p build/public/console
	cp web/page/* openapi.yaml node_modules/swagger-ui-dist/swagger-ui.css node_modules/swagger-ui-dist/swagger-ui-bundle.js build/public
	cp web/console/console.html web/console/_headers build/public
	cp web/console/icon.svg build/public/console
	esbuild web/console/main.jsx web/console/style.css --bundle --minify --format=iife --target=es2022 --jsx=automatic --jsx-import-source=preact \
		--entry-names=console --outdir=build/public/console --log-level=warning
	@bytes=$$(cat build/public/console.html build/public/console/* | gzip -9c | wc -c) && [ $$bytes -le $(MAX_CONSOLE_BYTES) ] \
		|| { echo "the console is $$bytes bytes, gzipped; at most $(MAX_CONSOLE_BYTES)" >&2; exit 1; }
	@touch $@

# So that tsc does not read what Rust's build made.
build/index.d.ts: src/edge/build.d.ts node_modules/.package-lock.json
	@mkdir -p build && cp $< $@

# Does nothing where rust-toolchain.toml is satisfied already, so that no network is asked.
rust:
	@(rustup target list --installed | grep -q wasm32-unknown-unknown && cargo clippy --version && cargo fmt --version) >/dev/null 2>&1 \
		|| rustup toolchain install

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

$(CLIENTS)/.package-lock.json: tests/clients/package.json tests/clients/package-lock.json | node_modules/.package-lock.json
	npm ci --prefix tests/clients --no-audit --no-fund
	@touch $@

$(SDKS)/.package-lock.json: tests/sdks/package.json tests/sdks/package-lock.json | node_modules/.package-lock.json
	npm ci --prefix tests/sdks --no-audit --no-fund
	@touch $@

$(WORKER_BUILD): | rust
	$(INSTALL) --version 0.8.7 --root $(CACHE)/worker-build-0.8.7 worker-build --bin worker-build

# Without TLS, which its test runner alone would need.
$(WASM_BINDGEN): | rust
	$(INSTALL) --version $(WASM_BINDGEN_VERSION) --root $(CACHE)/wasm-bindgen-$(WASM_BINDGEN_VERSION) wasm-bindgen-cli --bin wasm-bindgen --no-default-features

$(CARGO_DENY): | rust
	$(INSTALL) --version 0.20.2 --root $(CACHE)/cargo-deny-0.20.2 cargo-deny

$(CARGO_FUZZ): | rust
	$(INSTALL) --version 0.13.2 --root $(CACHE)/cargo-fuzz-0.13.2 cargo-fuzz

$(SCHEMATHESIS): tests/python/schemathesis.txt
	python3 -m venv $(CACHE)/schemathesis-4.32.5
	$(CACHE)/schemathesis-4.32.5/bin/pip install --quiet --require-hashes --requirement tests/python/schemathesis.txt
	@touch $@

$(WORKFLOW_LINTERS): tests/python/workflows.txt
	python3 -m venv $(CACHE)/workflow-linters-1.32.0
	$(dir $@)pip install --quiet --require-hashes --requirement tests/python/workflows.txt
	@touch $@

$(PYTHON_CLIENT): tests/clients/requirements.txt
	python3 -m venv $(CACHE)/openapi-python-client-0.29.1
	$(dir $@)pip install --quiet --require-hashes --requirement tests/clients/requirements.txt
	@touch $@

$(LOCAL_CONFIG): wrangler.toml
	sed '/^# \[\[/,/^$$/s/^# //' $< > $@

.dev.vars:
	cp .dev.vars.example $@
	@# Under `make dev`, scripts/dev.mjs makes the key.
	$(if $(WRANGLER_COMMAND),$(info To make an API key: $(CREATE_KEY)))

# Another wrangler may keep its state elsewhere: hence the packages.
$(LOCAL_D1): $(wildcard migrations/*.sql) wrangler.toml node_modules/.package-lock.json
	@CI=true wrangler d1 migrations apply roster --local >/dev/null
	@touch $@
