# Shared by the scripts beside it; sourced, never run.

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root. Without a terminal sudo must not wait for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif ! have sudo; then
        return 1
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

readonly POLICY=/usr/sbin/policy-rc.d

# Debian's packages start their servers; this one file, understood by all of them, forbids it. A file that is already
# there is somebody's own policy: it stays as it is (set -C).
forbid_services() {
    as_root sh -c "set -C; printf '#!/bin/sh\nexit 101\n' > $POLICY && chmod 755 $POLICY" 2>/dev/null
}

# apt_install PACKAGE...: no recommended packages, no questions, no server started. Returns 1 where it cannot be done.
apt_install() (
    have apt-get || exit 1
    as_root true 2>/dev/null || exit 1
    say "Installing the system packages: $*"
    log="$(mktemp)"
    forbidden=no
    trap 'rm -f "$log"; [ $forbidden = no ] || as_root rm -f "$POLICY"' EXIT
    trap 'exit 130' INT TERM HUP
    forbid_services && forbidden=yes
    options=(-qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" update >"$log" 2>&1 ||
        say "The package lists could not be refreshed; trying with the ones at hand."
    if ! as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "${options[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        exit 1
    fi
)
