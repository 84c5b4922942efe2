# kymo's commands. `make` lists them.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
SECONDS ?= 20
PREFIX ?= /usr/local
TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# Trees of files are made there for each try.
MEMORY := $(firstword $(wildcard /dev/shm) /tmp)

.DEFAULT_GOAL := help
.PHONY: help run test lint unit gate mutants sim loom inject soak hostile docs bench bench-quick \
	bench-peers compare footprint fuzz check-targets qemu-hwmon install uninstall install-c \
	deb tarball trial-deb trial-service ci clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: ## this machine live; without a terminal ten JSON lines
	@$(CARGO) build --quiet --release --package kymo --package kymo-cli
	@if [ -t 0 ] && [ -t 1 ]; then exec $(TARGET)/release/kymo top; \
	else exec $(TARGET)/release/kymo watch --json --count 10; fi

test: lint unit gate docs ## every check

lint: ## format, locks and clippy, warnings denied
	$(CARGO) fmt --all -- --check
	@for place in . fuzz benches/peers protocol/examples/firmware; do \
		(cd $$place && $(CARGO) update --workspace --locked --quiet) || \
			{ echo "$$place/Cargo.lock is old: cargo update --workspace there" >&2; exit 1; }; \
	done
	$(CARGO) clippy --workspace --all-targets --features kymo-benches/peers --locked -- -D warnings

unit: ## unit, property, integration and allocation tests
	$(CARGO) test --workspace --locked --quiet

# The program that is counted is built as kymod is: other profiles have other instructions.
gate: ## instructions of the hot paths, none 5 % above benches/instructions.txt
	$(CARGO) build --quiet --release --locked --package kymo-benches --bin bench-instructions
	scripts/gate $(TARGET)/release

# Only the tests that say what these files do; KYMO_MUTANTS narrows it: `--re protocol/src/gap.rs`.
mutants: export CARGO_INCREMENTAL = 1
mutants: export CARGO_PROFILE_TEST_DEBUG = 0
mutants: export PROPTEST_CASES = 32
mutants: ## changes of the code that no test sees; hours; needs cargo-mutants
	status=0; \
	$(CARGO) mutants --package kymo-protocol --output $(TARGET)/mutants-protocol --timeout 120 \
		--cargo-arg=--lib --cargo-arg=--test=properties $(KYMO_MUTANTS) || status=$$?; \
	$(CARGO) mutants --package kymo --output $(TARGET)/mutants-runtime --timeout 120 \
		--cargo-arg=--lib --cargo-arg=--test=journal --cargo-arg=--test=hub $(KYMO_MUTANTS) \
		|| status=$$?; \
	exit $$status

sim: ## one run of the simulation: SEED (a fresh one) TICKS (5000) CLIENTS (64) WITHOUT (kinds of faults)
	$(CARGO) test --quiet --profile sim --package kymo --locked --test sim -- run \
		SEED=$(SEED) TICKS=$(TICKS) CLIENTS=$(CLIENTS) WITHOUT=$(WITHOUT) HARM=$(HARM)

loom: ## every order in which other threads and the loop can meet
	RUSTFLAGS="--cfg loom" $(CARGO) test --package kymo --lib --locked --quiet \
		--target-dir target-loom loom::

inject: ## kymod while its calls fail, by strace, each with each error; two minutes, needs strace
	@command -v strace > /dev/null || { echo "strace is not installed" >&2; exit 1; }
	$(CARGO) test --package kymo --locked --test inject -- --include-ignored

soak: ## kymod killed KYMO_SOAK_CYCLES (50,000) times under load, as it is released
	KYMO_KILL_CYCLES=$${KYMO_SOAK_CYCLES:-50000} $(CARGO) test --release --package kymo --locked \
		--test kill -- --nocapture

hostile: ## hundreds of hostile clients beside 64 honest ones; four minutes. ONLY=word, SPAN_MS=2050
	$(CARGO) test --release --package kymo --locked --quiet --test hostile -- --full \
		$(if $(ONLY),--only $(ONLY)) $(if $(SPAN_MS),--span-ms $(SPAN_MS))

docs: ## the documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet

bench: ## figures beside bare floors, into benches/RESULTS.md; seven minutes
	$(CARGO) build --quiet --release --locked --package kymo
	$(CARGO) build --quiet --release --locked --package kymo-benches --features peers
	$(TARGET)/release/bench

bench-quick: ## the same in half a minute, to see that it runs; writes nothing
	$(CARGO) build --quiet --release --locked --package kymo
	$(CARGO) build --quiet --release --locked --package kymo-benches --features peers
	$(TARGET)/release/bench --quick

bench-peers: ## kymo beside ZeroMQ, nng, Redis, collectd and others, into benches/PEERS.md; ten minutes
	scripts/install-peers
	$(CARGO) build --quiet --release --locked --package kymo
	$(CARGO) build --quiet --release --locked --package kymo-benches --features peers
	$(CARGO) build --quiet --release --locked --manifest-path benches/peers/Cargo.toml \
		--target-dir $(TARGET) --features "$$(scripts/install-peers --features)"
	$(TARGET)/release/bench-peers

compare: ## what kymod says beside psutil and node_exporter, into docs/COMPARED.md; installs them
	$(CARGO) build --quiet --release --locked --package kymo
	scripts/compare.py --out docs/COMPARED.md

footprint: ## sizes, memory and start-up, with their limits
	$(CARGO) build --quiet --release --locked --package kymo
	$(CARGO) build --quiet --release --locked --package kymo-benches
	$(TARGET)/release/bench-footprint --gate

fuzz: ## each fuzz target, or TARGETS, for SECONDS (20) seconds; fuzz/README.md tells of them
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
	cd fuzz && for target in $(TARGETS); do \
		mkdir -p corpus/$$target && TMPDIR=$(MEMORY) $(CARGO) fuzz run --sanitizer none $$target \
			corpus/$$target seeds/$$target -- -max_total_time=$(SECONDS) || exit 1; \
	done

check-targets: ## type-check for macOS, a microcontroller and the browser
	scripts/check-targets

qemu-hwmon: ## kymod with chips of a real kernel, in QEMU; three minutes, 100 MB of Debian
	$(CARGO) build --quiet --release --locked --package kymo --package kymo-cli
	scripts/qemu-hwmon $(TARGET)/release

install: ## kymod, kymo, libkymo, a unit for systemd, completions and documents below PREFIX (/usr/local)
	$(CARGO) build --quiet --release --locked --package kymo --package kymo-cli
	$(CARGO) build --quiet --profile c --locked --package kymo-c
	DESTDIR=$(DESTDIR) scripts/install $(PREFIX) $(TARGET)/release $(TARGET)/c

uninstall: ## takes that away again; settings and journals stay
	DESTDIR=$(DESTDIR) scripts/install --remove $(PREFIX)

install-c: ## libkymo, kymo.h and kymo.pc for C below PREFIX (/usr/local)
	$(CARGO) build --quiet --profile c --locked --package kymo-c
	DESTDIR=$(DESTDIR) scripts/install-c $(PREFIX) $(TARGET)/c

deb: ## a Debian package of kymod and kymo, below target/debian; needs cargo-deb
	@$(CARGO) deb --version >/dev/null 2>&1 || $(CARGO) install cargo-deb --version ~3.8 --locked
	$(CARGO) build --quiet --release --locked --package kymo --package kymo-cli
	scripts/deb $(abspath $(TARGET))

trial-deb: deb ## the package installed, used and removed in a fresh Debian; root, needs debootstrap
	scripts/trial-deb $(TARGET)/debian/kymo_*.deb

trial-service: deb ## the same under a systemd of its own, for the system and a user; and systemd-nspawn
	scripts/trial-service $(TARGET)/debian/kymo_*.deb

tarball: ## what `make install` installs as an archive below target; the same bytes each time
	$(CARGO) build --quiet --release --locked --package kymo --package kymo-cli
	$(CARGO) build --quiet --profile c --locked --package kymo-c
	scripts/tarball $(TARGET)/release $(TARGET)/c $(TARGET)

ci: test loom check-targets ## what continuous integration runs

clean: ## remove what was built
	$(CARGO) clean
