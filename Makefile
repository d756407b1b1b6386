# `make dev` serves Roster on this machine, `make check` tests it natively, `make test` proves it. They install what is
# missing, at pinned versions: Rust by rustup, Node and wrangler by npm, cargo's tools into the user's cache.

TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roster
CARGO_DENY := $(TOOLS)/cargo-deny@0.20.2/bin/cargo-deny
CARGO_FUZZ := $(TOOLS)/cargo-fuzz@0.13.2/bin/cargo-fuzz
RELEASE := roster-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml 2>/dev/null)
# What it takes to run and to deploy what is built.
RELEASED := build src/edge/entry.js migrations $(wildcard scripts/*.mjs *.md) docs wrangler.toml Makefile package.json package-lock.json .npmrc .env .dev.vars.example openapi.yaml LICENSE
LOCAL_STATE := .dev.vars .wrangler/state/migrated
# One form for all that is tested, so that nothing is compiled with two sets of features.
TEST := cargo test --locked --workspace
CONTRACT := $(TEST) --test contract --
WASM := --locked --package roster --target wasm32-unknown-unknown
# What rustc and wasm-bindgen make use of: not all that wasm-opt knows, since workerd may not. And what leaves less to upload,
# which is gzipped, than -Oz, by which less repeats: functions side by side by their names look alike.
WASM_FEATURES := bulk-memory exception-handling multivalue nontrapping-float-to-int reference-types
WASM_PASSES := duplicate-function-elimination remove-unused-brs rse optimize-instructions vacuum remove-unused-names reorder-functions-by-name strip-debug

# Make 3.81, which macOS has, looks for the program of a simple line in its own PATH unless the shell is another one.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
include .env
export CLOUDFLARE_CF_FETCH_ENABLED WRANGLER_SEND_METRICS

.DELETE_ON_ERROR:
.NOTPARALLEL: # what fails fast comes first
.PHONY: help dev check test mixed fuzz bench soak audit deny lint packages workflows size sbom notes build wrangler-build deploy rollback release rust clean

dev: build $(LOCAL_STATE) ## serve Roster on http://localhost:8787, or PORT
	@node scripts/dev.mjs $(or $(PORT),8787)
help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /\1:/p' Makefile | awk -F: '{ name = $$1; sub(/^[a-z]*:/, ""); printf "make %-12s %s\n", name, $$0 }'

check: rust build/index.d.ts ## run while working: format, lints, native tests
	biome check --error-on-warnings .
	tsc
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --profile test -- --deny warnings
	$(TEST) --lib --bins --test docs --test fields --test fuzz --test imports --test openapi
	@printf '%s\n' native sqlite 'sqlite ROSTER_BUCKETS=1' 'sqlite ROSTER_BUCKETS=4' | xargs -P 4 -I STORE bash -c \
		'printed=$$(env ROSTER_TRANSPORT=STORE $(CONTRACT) scripts:: 2>&1) && echo "scripts on STORE: ok" || { echo "$$printed"; exit 1; }'

lint: check workflows ## check, and what is slower: the lints of the Worker, docs, workflows
	@# In the build's own profile, for which the macros are compiled anyway.
	cargo clippy --release $(WASM) -- --deny warnings
	@# Not the tool: its doc comments are its help texts.
	RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --lib --no-deps --document-private-items --profile test
	RUSTDOCFLAGS="--deny warnings" cargo doc --release $(WASM) --no-deps --document-private-items

# The tests start wrangler hundreds of times, and Node has 15 MB of it to compile.
test: export NODE_COMPILE_CACHE := $(CURDIR)/target/node
# They wait for it, and for windows of limits to pass, so more of them run at once than there are cores.
test: export RUST_TEST_THREADS := $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)
test: lint release packages ## run everything CI checks: lint, then all tests, on the Worker too
	node --test --test-isolation=none 'tests/console/*.test.mjs'
	$(TEST) -- --skip hops::
	@# On what was packed. In one process, so that what wrangler did once need not be done again.
	node --no-warnings --test --test-isolation=none 'tests/deploy/*.test.mjs'
	target/python/schemathesis/bin/python tests/python/examples.py
	$(CONTRACT) --ignored conformance:: sdks::
	@# Those of keys, limits and origins ask no object.
	ROSTER_BUCKETS=4 $(CONTRACT) scripts:: --skip cors:: --skip keys:: --skip limit::
	ROSTER_BUCKETS=1 $(CONTRACT) scripts::upsert scripts::list
	@# These measure time, and mostly wait: they run beside each other, and nothing else does.
	$(CONTRACT) hops::

# Side by side, since each waits for the network.
packages: node_modules/.package-lock.json
	@printf '%s\n' target/python/{schemathesis,clients} tests/{clients,sdks}/node_modules/.package-lock.json | xargs -P 4 -n 1 $(MAKE) --no-print-directory

bench: $(if $(URL),,build) ## measure Roster beside its peers: ONLY='read|401'; or one that is deployed: URL=https://… KEY=ros_…
	$(if $(URL),node bench/deployed.mjs,node --test --test-isolation=none bench/peers/alike.test.mjs && node bench/run.mjs)
	$(if $(URL)$(ONLY),,for bench in hops limits limiter processes start growth following webhooks walk move summary; do node bench/$$bench.mjs || exit; done)
soak: build ## send mixed calls for three minutes, and watch status, memory and latency
	node tests/soak.mjs

mixed: build ## run this version and an earlier VERSION side by side, each one's Worker on the other's objects
	@[ -n "$(VERSION)" ] || { echo "which earlier version? make mixed VERSION=<tag or commit>" >&2; exit 1; }
	mkdir -p target/mixed/$(VERSION) && git archive $(VERSION) | tar -x -C target/mixed/$(VERSION)
	$(MAKE) --no-print-directory -C target/mixed/$(VERSION) build
	node tests/mixed.mjs target/mixed/$(VERSION)

audit: deny node_modules/.package-lock.json ## check licences and sources, and look up advisories where that is possible
	@.ci/audit $(CARGO_DENY)
deny: $(CARGO_DENY) ## check licences and sources of every crate
	@for manifest in Cargo.toml tests/fuzz/Cargo.toml scripts/bindgen/Cargo.toml; do \
		$(CARGO_DENY) --manifest-path $$manifest --locked --workspace --log-level error check bans licenses sources || exit; done

# No sanitizer: there is no unsafe code. What is found stays in tests/fuzz/target, with the corpus unpacked beside it.
fuzz: $(CARGO_FUZZ) ## fuzz each target for FUZZ_SECONDS, 600 by default
	$(TEST) --test fuzz -- --ignored the_corpus_is_unpacked
	for target in $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs))); do \
		$(CARGO_FUZZ) run --fuzz-dir tests/fuzz --sanitizer none $$target tests/fuzz/target/corpus/$$target -- -max_total_time=$(or $(FUZZ_SECONDS),600) || exit; done

workflows: ## check the workflows of GitHub
	@.ci/workflows

size: build ## check that the Worker can be uploaded, and what it weighs
	wrangler deploy --dry-run --env ''
	@.ci/size

sbom: node_modules/.package-lock.json ## write to dist/ what the deployed Worker consists of
	mkdir -p dist && node scripts/sbom.mjs > dist/roster.cdx.json

notes: ## print what CHANGELOG.md says of this version; TAG must be its tag
	@.ci/notes

# A release, which has no Cargo.toml, was built.
build: $(if $(wildcard Cargo.toml),build/public/openapi.yaml,node_modules/.package-lock.json) wrangler.local.toml ## build the Worker into build/

# The [build] command of wrangler.toml. `wrangler dev` needs settings and tables as well. The tests start many, and set BUILT.
wrangler-build: $(if $(BUILT),,build $(if $(filter dev,$(WRANGLER_COMMAND)),$(LOCAL_STATE)))

deploy: node_modules/.package-lock.json ## build, migrate D1, upload and try the Worker: ENV=staging, DRY_RUN=1
	@node --no-warnings scripts/deploy.mjs $(ENV)
rollback: node_modules/.package-lock.json ## give an earlier VERSION of the Worker all traffic again: ENV=staging
	@node --no-warnings scripts/rollback.mjs "$(VERSION)" $(ENV)

release: build ## pack what is built into dist/: it can be served and deployed without Rust
	mkdir -p dist/$(RELEASE) && tar -cf - $(RELEASED) | tar -xf - -C dist/$(RELEASE)
	tar -czf dist/$(RELEASE).tar.gz -C dist $(RELEASE) && rm -r dist/$(RELEASE)

clean: ## remove everything that was built or installed here, and local data
	rm -rf build dist wrangler.local.toml node_modules tests/*/node_modules target tests/fuzz/target .wrangler

# Cargo's two run side by side, since the linker uses one core. Wrangler and workerd know no `import source` yet.
build/index.js: $(shell find src -type f) $(wildcard scripts/bindgen/*) Cargo.toml Cargo.lock rust-toolchain.toml Makefile node_modules/.package-lock.json | rust
	cargo build --locked --manifest-path scripts/bindgen/Cargo.toml --target-dir target/bindgen & \
		WASM_BINDGEN_USE_JS_SYS=1 cargo build --release --lib $(WASM) && wait $$!
	target/bindgen/debug/roster-bindgen target/wasm32-unknown-unknown/release/roster.wasm target/bindgen/out
	mkdir -p build && wasm-opt $(WASM_PASSES:%=--%) $(WASM_FEATURES:%=--enable-%) target/bindgen/out/index_bg.wasm --output build/index_bg.wasm
	esbuild target/bindgen/out/index.js --bundle --minify --format=esm --external:./index_bg.wasm | sed 's/import source /import /' > $@

build/public/openapi.yaml: build/index.js $(wildcard web/page/* web/console/* web/console/*/*) openapi.yaml README.md
	mkdir -p build/public/console && cp web/console/icon.svg build/public/console
	cp web/page/* web/console/{console.html,_headers} openapi.yaml node_modules/swagger-ui-dist/swagger-ui{.css,-bundle.js} build/public
	# By the library, whole: its command reads in pieces of 64 KiB, and stumbles where one ends between a colon and its space.
	cp README.md build/public/llms.txt && node --print 'JSON.stringify(require("yaml").parse(require("fs").readFileSync("openapi.yaml", "utf8")))' >build/public/openapi.json
	esbuild web/console/main.jsx web/console/style.css --bundle --minify --format=iife --target=es2022 --jsx=automatic --jsx-import-source=preact --entry-names=console --outdir=build/public/console --log-level=warning
	esbuild web/console/import_worker.mjs --bundle --minify --format=iife --target=es2022 --outfile=build/public/console/import_worker.js --log-level=warning
	@touch $@

# So that tsc does not read what Rust's build made.
build/index.d.ts: src/edge/build.d.ts node_modules/.package-lock.json
	@mkdir -p build && cp $< $@

# Does nothing where rust-toolchain.toml is satisfied already, so that no network is asked.
rust:
	@(rustup target list --installed | grep -q wasm32-unknown-unknown && cargo clippy --version && cargo fmt --version) >/dev/null 2>&1 || rustup toolchain install

# To compile tools takes far longer than to run them, so they are not optimised.
$(CARGO_DENY) $(CARGO_FUZZ): | rust
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug --root $(@D:/bin=) $(notdir $(@D:/bin=))

target/python/%: tests/python/%.txt
	python3 -m venv $@ && $@/bin/pip install --quiet --require-hashes --requirement $<

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

tests/%/node_modules/.package-lock.json: tests/%/package.json tests/%/package-lock.json | node_modules/.package-lock.json
	npm ci --no-audit --no-fund --prefix tests/$*
	@touch $@

# For `make dev` and the tests: with every optional binding.
wrangler.local.toml: wrangler.toml
	sed '/^# \[\[/,/^$$/s/^# //' $< > $@

.dev.vars:
	cp .dev.vars.example $@
	@# Under `make dev`, scripts/dev.mjs makes the key.
	$(if $(WRANGLER_COMMAND),$(info To make an API key: curl -X POST http://localhost:8787/v1/keys -H "Authorization: Bearer development-only-admin-token" -d '{"name": "development"}'))

# Goes with the D1 of `wrangler dev`. Another wrangler may keep that elsewhere: hence the packages.
.wrangler/state/migrated: $(wildcard migrations/*.sql) wrangler.toml node_modules/.package-lock.json
	@CI=true wrangler d1 migrations apply roster --local >/dev/null
	@touch $@
