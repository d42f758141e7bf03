# Which Rust toolchain builds plugins. Read by `setup` and `build-plugins`; not a program of its own.
#
# Normally it is the active one. Where its wasm target cannot be downloaded, it is
# Debian's own Rust, for which `setup` has compiled the standard library.

wasm_target=wasm32-unknown-unknown
debian_rustc=/usr/bin/rustc
debian_cargo=/usr/bin/cargo

# Does this compiler have a standard library for the target?
has_wasm_target() {
    libdir=$("$1" --print target-libdir --target $wasm_target 2>/dev/null) || return 1
    set -- "$1" "$libdir"/libstd-*.rlib
    [ -e "$2" ] || return 1
    # What `setup` compiled itself serves only the very compiler that compiled it.
    [ ! -e "$libdir/compiled-with" ] || [ "$(cat "$libdir/compiled-with")" = "$("$1" --version)" ]
}

# Debian's Rust comes without a linker for wasm; the active toolchain's serves it as well.
wasm_linker() {
    for linker in "$(rustc --print sysroot)"/lib/rustlib/*/bin/rust-lld; do
        [ -x "$linker" ] && echo "$linker" && return
    done
    command -v wasm-ld
}

# Runs Cargo with Debian's compiler, whatever `rustc` means on the PATH.
debian_wasm_cargo() {
    linker=$(wasm_linker) || {
        echo "no linker for wasm found: neither rust-lld in the Rust toolchain nor wasm-ld (package lld)" >&2
        return 1
    }
    RUSTC=$debian_rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker $debian_cargo "$@"
}

# Runs Cargo of the toolchain that builds plugins.
wasm_cargo() {
    if has_wasm_target rustc; then
        cargo "$@"
    elif has_wasm_target $debian_rustc; then
        debian_wasm_cargo "$@"
    else
        echo "no Rust toolchain here builds for $wasm_target: run \`make setup\`" >&2
        return 1
    fi
}
