# Everything that people and CI do here. Needs rustup, python3 (3.11 or newer) and make; the rest is fetched once, into PAWL_CACHE.

PAWL_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/pawl
export PAWL_CACHE

STEP = @tools/step
CARGO = cargo
# Each folder of functions/ is one Lambda; its package and its binary are called pawl-<folder>.
FUNCTIONS = $(patsubst functions/%/Cargo.toml,pawl-%,$(wildcard functions/*/Cargo.toml))
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# Runs commands of the tools: moto, cargo-lambda with its compiler, cfn-lint.
WITH_TOOLS = tools=$$(tools/install) && export PATH="$$tools/bin:$$PATH" &&

# Where the command line runs by itself, without libraries of a system: in an image of nothing else, and on any machine.
ALONE = x86_64-unknown-linux-musl aarch64-unknown-linux-musl

# What `make golden` and `make sequences` play if CASES names nothing else.
GOLDEN = tests/golden/data/eso-2.9.jsonl.gz
SEQUENCES = tests/sequences/data/eso-2.9.jsonl.gz

# `name=value` where the variable is set on the command line of make, for chaos.
said = $(if $(filter command line,$(origin $(word 1,$(1)))),$(word 2,$(1))=$($(word 1,$(1))))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help test formatted template chart lint docs unit kubernetes demo demo-vault demo-clouds golden sequences chaos soak attacks lambda alone site image release release-check notices counts bench-compare bench fmt deny advisories tools clean-cache

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | awk -F '|' '{ printf "%-18s %s\n", $$1, $$2 }'

test: formatted deny notices tools template chart release-check lint docs counts unit kubernetes ## every check that CI makes; cheap ones first
	@echo "--- all steps passed"

formatted: ## is the code formatted
	$(STEP) "formatting" $(CARGO) fmt --all --check

deny: ## banned crates, licences and sources of the dependencies
	$(STEP) "dependencies" tools/deny

tools: ## install the tools of requirements.txt, once
	$(STEP) "tools" tools/install

template: ## cfn-lint of template.yaml and infra, and stacks of the template on a double of AWS
	$(STEP) "templates" sh -c '$(WITH_TOOLS) cfn-lint template.yaml infra/*.yaml && python tools/templates'

chart: ## infra/chart with Helm 3, if `helm` or what HELM names is there
	@if command -v "$${HELM:-helm}" >/dev/null; then \
		tools/step "chart" tools/chart; \
	else \
		echo "--- chart: NOT RUN, for there is no helm; make kubernetes tries what it renders"; \
	fi

lint: ## clippy on everything, warnings are errors
	$(STEP) "clippy" $(CARGO) clippy --locked --workspace --all-targets -- -D warnings

docs: ## the documentation builds and its links lead somewhere
	$(STEP) "documentation" env RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

unit: tools ## cargo test: unit, contract, scenario and end-to-end tests
	@# The end-to-end tests run the binaries of all packages, of which `cargo test` by itself builds only some.
	$(STEP) "building" $(CARGO) build --locked --workspace --bins --tests --examples
	$(STEP) "tests" $(CARGO) test --locked --workspace --no-fail-fast

# The tests that are ignored unless there is a real Kubernetes.
# The whole workspace is named, because a part of it would be built anew with the features that it needs alone.
ON_KUBERNETES = --workspace --test clusters --test servers --test devcluster --test e2e --test played --test stores

kubernetes: ## the tests that need a real Kubernetes; KUBEBUILDER_ASSETS names its programs, without it they are not run
	@if [ -n "$${KUBEBUILDER_ASSETS:-}" ]; then \
		tools/step "tests on the Kubernetes in $$KUBEBUILDER_ASSETS" $(CARGO) test --locked --no-fail-fast $(ON_KUBERNETES) -- --ignored; \
	else \
		echo "--- tests on a real Kubernetes: NOT RUN, for KUBEBUILDER_ASSETS names no programs"; \
	fi

demo: tools ## Pawl at work on this machine, from event to Secret; KEEP=1 leaves it running
	@$(CARGO) build --locked --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo"

demo-vault: tools ## a write in Vault reaches two clusters through its audit record; PAWL_TEST_VAULT_BIN names a real server
	@$(CARGO) build --locked --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo-vault"

demo-clouds: tools ## one rotation in AWS, Google's and Microsoft's cloud each reaches two clusters by its own kind of event, then by the sweep
	@$(CARGO) build --locked --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/demo-clouds"

golden: tools ## plays recorded cases of ESO through Pawl: make golden CASES=<file.jsonl or .gz>; ARGS=--events compares warnings too
	@$(CARGO) build --locked --quiet --workspace --bins
	@$(WITH_TOOLS) "$${CARGO_TARGET_DIR:-target}/debug/golden" --choices tests/golden/data/choices.txt $(ARGS) "$(or $(CASES),$(GOLDEN))"

sequences: tools ## plays recorded steps of ESO through Pawl: make sequences CASES=<file.jsonl or .gz>; on KUBEBUILDER_ASSETS or the embedded API
	@$(CARGO) build --locked --quiet --workspace --bins
	@$(WITH_TOOLS) "$${CARGO_TARGET_DIR:-target}/debug/sequences" --choices tests/sequences/data/choices.txt $(ARGS) "$(or $(CASES),$(SEQUENCES))"

chaos: tools ## kills and starves real processes for SECONDS=120, then proves that nothing was lost; SEED=, CHANGES=, FAULTS=, SETTING=, CLUSTERS=
	@$(CARGO) build --locked --quiet --workspace --bins
	@"$${CARGO_TARGET_DIR:-target}/debug/chaos" $(foreach it,SEED=seed SECONDS=seconds CHANGES=changes FAULTS=faults SETTING=setting CLUSTERS=clusters,$(call said,$(subst =, ,$(it))))

# What the command line of make sets is in the environment of the tests.
soak: ## hostile manifests that a die makes, in a release build: each renders within 1 s and 64 MiB; SECONDS=300, SEED=
	$(STEP) "hostile manifests" $(CARGO) test --locked --release --package pawl-domain --test limits -- --include-ignored --nocapture --test-threads=1

attacks: tools ## figures of a release build under each attack on time and memory: the neighbour's latency, the peak memory
	$(STEP) "building" $(CARGO) build --locked --release --package pawl $(FUNCTIONS:%=--package %)
	@mkdir -p target; PAWL_BINARIES="$(abspath $(or $(CARGO_TARGET_DIR),target))/release" $(CARGO) test --locked --workspace --test e2e -- \
		attacks::floods attacks::large attacks::slow --nocapture --test-threads=1 > target/attacks.log 2>&1; ended=$$?; \
		grep -o 'figure |.*' target/attacks.log; [ $$ended = 0 ] || { tail -40 target/attacks.log; exit $$ended; }

lambda: tools notices ## the zips to deploy: target/lambda/<function>/bootstrap.zip for arm64
	$(STEP) "zips" sh -c '$(WITH_TOOLS) cargo lambda build --release --arm64 --output-format zip --include NOTICES.txt --lambda-dir target/lambda $(FUNCTIONS:%=--package %)'
	@ls -l target/lambda/*/*.zip

notices: ## NOTICES.txt: the licences of the packages of others in what is deployed; it is in each zip
	$(STEP) "notices" sh -c 'tools/notices aarch64-unknown-linux-gnu pawl $(FUNCTIONS) > NOTICES.txt'

alone: tools # the command line for both machines: target/alone/<target>/pawl/bootstrap
	$(STEP) "programs" sh -c '$(WITH_TOOLS) rustup target add $(ALONE) && for each in $(ALONE); do \
		cargo lambda build --release --target $$each --lambda-dir target/alone/$$each --package pawl || exit 1; done'

site: ## the documentation as a site, by mdBook: target/site
	$(STEP) "site" tools/site

image: alone notices ## an OCI image layout of pawl for x86-64 and arm64: target/image
	$(STEP) "image" sh -c '$(WITH_TOOLS) python tools/image target/image $(ALONE:%=target/alone/%/pawl/bootstrap)'

release: alone notices ## all that a release has: target/release-<version>, with checksums
	$(STEP) "functions" sh -c '$(WITH_TOOLS) \
		cargo lambda build --release --arm64 --lambda-dir target/parts/arm64 $(FUNCTIONS:%=--package %) && \
		cargo lambda build --release --x86-64 --lambda-dir target/parts/x86_64 $(FUNCTIONS:%=--package %)'
	$(STEP) "release" sh -c '$(WITH_TOOLS) rm -rf target/built && for machine in arm64 x86_64; do \
		mkdir -p target/built/$$machine; for each in $(FUNCTIONS); do \
		cp target/parts/$$machine/$$each/bootstrap target/built/$$machine/$$each || exit 1; done; done && \
		cp target/alone/x86_64-unknown-linux-musl/pawl/bootstrap target/built/x86_64/pawl && \
		cp target/alone/aarch64-unknown-linux-musl/pawl/bootstrap target/built/arm64/pawl && \
		cp NOTICES.txt target/built && tools/sbom aarch64-unknown-linux-gnu pawl $(FUNCTIONS) > target/built/sbom.json && \
		python tools/release "target/release-$(VERSION)" target/built'

release-check: tools ## a release of programs of nothing, twice: the same bytes, and what it says of itself holds
	$(STEP) "release tools" sh -c '$(WITH_TOOLS) python tools/release --check'

counts: ## instructions of pure work beside tests/counts/counts.txt, if Valgrind is there
	@if command -v valgrind >/dev/null; then \
		tools/step "counts of instructions" tools/counts; \
	else \
		echo "--- counts of instructions: NOT RUN, for there is no valgrind"; \
	fi

bench-compare: ## the same beside another commit, both counted in this run: BASE=<commit>
	@test -n "$(BASE)" || { echo "say which commit: make bench-compare BASE=<commit>"; exit 2; }
	$(STEP) "instructions, beside $(BASE)" tools/counts --base "$(BASE)"

bench: ## the benchmarks of the figures that Pawl promises
	@# One of them measures the binaries of all packages, of which `cargo bench` by itself builds none.
	$(STEP) "building" $(CARGO) build --locked --release --workspace --bins
	$(STEP) "benchmarks" $(CARGO) bench --locked --workspace --bench '*'

fmt: ## format the code
	$(CARGO) fmt --all

advisories: ## known vulnerabilities in dependencies; needs the network and a current cargo-deny
	$(CARGO) deny check advisories

clean-cache: ## remove everything that was fetched or built outside the checkout
	rm -rf "$(PAWL_CACHE)"
