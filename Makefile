# make run     start the example exchange (installs and builds what is missing)
# make test    check everything
# make setup   only install what those two need
# make loop    how long it takes from saving a plugin's file to the call that runs it
# make book    the documentation as a book, in target/book
# make interop foreign telephones call each other through the exchange; writes docs/interop.md

CONFIG ?= examples/la-plateforme/jackfield.toml

target := $(or $(CARGO_TARGET_DIR),target)
# Guests are built for wasm, in workspaces of their own.
guests := $(patsubst %/Cargo.toml,%,$(wildcard plugins/Cargo.toml tests/guests/Cargo.toml))

.PHONY: run test setup setup-run build plugins runtimes languages format lint bench loop book soak interop fuzz clean
# Cargo uses all cores by itself, and installing twice at once does not work.
.NOTPARALLEL:

run: build plugins runtimes
	$(target)/debug/jackfield run $(CONFIG)

test: setup format build plugins runtimes languages lint
	scripts/run-tests

setup:
	@scripts/setup

setup-run:
	@scripts/setup run

# One command and one profile for `run` and `test`: wasmtime is compiled once.
build: setup-run
	cargo build --workspace

plugins: setup-run
	scripts/build-plugins $(guests)
	scripts/place-plugins

# The components that run scripts.
runtimes: setup-run
	scripts/build-runtimes

# The menu in languages besides Rust.
languages: setup build runtimes
	scripts/build-languages

format: setup
	cargo fmt --all --check
	for dir in $(guests); do cargo fmt --all --check --manifest-path $$dir/Cargo.toml || exit 1; done

lint: setup
	cargo clippy --workspace --all-targets -- -D warnings
	[ ! -e plugins/Cargo.toml ] || \
	    cargo clippy --workspace --all-targets --manifest-path plugins/Cargo.toml -- -D warnings

# Measures what a release is: compiles the heavy crates once more, as `cargo build --release` would.
bench: setup languages plugins
	scripts/build-plugins tests/guests
	cargo bench -p jackfield-bench

# In the exchange that `jackfield dev` starts, with the profile that authors have.
loop: build plugins
	$(target)/debug/loop

# The long version of what `make test` runs for seconds.
soak: setup build plugins runtimes
	cargo test -p jackfield-switch --test random -- --ignored soak --nocapture
	cargo test -p jackfield-tests --test outside -- --ignored soak --nocapture
	scripts/fuzz 600

# mdBook of the system, or else compiled once, in minutes.
mdbook := $(or $(shell command -v mdbook),$(target)/tools/bin/mdbook)

book: $(mdbook)
	$(mdbook) build docs

$(target)/tools/bin/mdbook:
	cargo install mdbook --version 0.5.4 --locked --no-default-features --features search --root $(target)/tools

# Installs a tree of Debian sid into $JACKFIELD_SID (target/sid) the first time.
interop:
	@scripts/setup interop
	cargo build --workspace
	$(target)/debug/interop

# Every fuzz target for so many seconds.
TIME ?= 60
fuzz: setup
	scripts/fuzz $(TIME)

clean:
	cargo clean
	for dir in $(guests); do cargo clean --manifest-path $$dir/Cargo.toml || exit 1; done
	rm -f plugins/*/*.wasm
