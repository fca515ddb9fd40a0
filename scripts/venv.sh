#!/usr/bin/env bash
# Makes .venv hold the locked packages and watchman itself.
#   scripts/venv.sh runtime|dev|docs
# The second call returns at once, as long as the lock files and pyproject.toml are the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

want=${1:-runtime}
case $want in
runtime) lock=requirements.lock ;;
dev) lock=requirements-dev.lock ;;
docs) lock=requirements-docs.lock ;;
*) fail "usage: scripts/venv.sh runtime|dev|docs" ;;
esac

fingerprint() {
    pwd
    cat requirements.lock "$lock" pyproject.toml scripts/venv.sh
}

# 3.11 is the oldest that watchman runs on; a newer one by its own name counts where python3 is older.
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if have "$name" && usable "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

provide_python() {
    find_python && return
    apt_install python3 python3-venv || true
    find_python || fail "watchman needs Python 3.11 or newer: sudo apt-get install -y python3 python3-venv"
}

can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

provide_venv_module() {
    can_make_venv "$1" && return
    local package
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    apt_install "$package" || apt_install python3-venv || true
    can_make_venv "$1" || fail "$1 cannot make virtual environments: sudo apt-get install -y $package"
}

make_venv() {
    local python
    python="$(provide_python)"
    provide_venv_module "$python"
    say "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

install_locked() {
    say "Installing the locked packages of $lock"
    local pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input -q install)
    # Compiling all of it afterwards on every core takes half the time of pip's own way.
    "${pip[@]}" --require-hashes --no-compile -r "$lock"
    "${pip[@]}" --no-deps --no-build-isolation -e .
    .venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null || true
}

stamp=.venv/.installed-$want
print="$(fingerprint | sha256sum)"
if [ -x .venv/bin/watchman ] && [ "$(cat "$stamp" 2>/dev/null)" = "$print" ] && usable .venv/bin/python; then
    exit 0
fi
usable .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
install_locked
printf '%s\n' "$print" >"$stamp"
