#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml: exact versions, the hashes of every file, no index host.
#   scripts/lock.sh              takes over what is locked, adds what is new
#   scripts/lock.sh --upgrade    newest versions of everything
# One file serves Python 3.11 and newer on every platform. uv lives in a directory of its own while this runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --disable-pip-version-check -q install "uv>=0.5"
# The lock also holds what builds the project, so that an installation asks for nothing that is not locked.
python3 - >"$work/build.in" <<'PYTHON'
import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
PYTHON

# compile LOCKFILE ARGUMENT...
compile() {
    local lock=$1
    shift
    printf '# Made by scripts/lock.sh from pyproject.toml; do not edit.\n' >"$work/out"
    "$work/venv/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links --output-file "$work/lock" "$@" \
        pyproject.toml "$work/build.in"
    cat "$work/lock" >>"$work/out"
    if grep -nE '://|--(extra-)?index|--find-links| @ ' "$work/out" >&2; then
        fail "$lock would name a place packages come from"
    fi
    mv "$work/out" "$lock"
    chmod 644 "$lock"
    rm "$work/lock"
}

# keep LOCKFILE: what is locked already stays, unless --upgrade
keep() { if [ -f "$1" ]; then cp "$1" "$work/lock"; fi; }

keep requirements.lock
compile requirements.lock "$@"
for extra in dev docs; do
    keep "requirements-$extra.lock"
    compile "requirements-$extra.lock" --extra "$extra" --constraint requirements.lock "$@"
done
