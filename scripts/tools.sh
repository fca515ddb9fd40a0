#!/usr/bin/env bash
# Provides Prometheus, promtool, Alertmanager and amtool: from PATH, else from the distribution's packages, else out of
# the container images that docker-compose.yml names (their programs are static), into .venv/bin.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
PATH="$PWD/.venv/bin:$PATH"

have_prometheus() { have prometheus && have promtool; }
# Debian names the program prometheus-alertmanager, upstream alertmanager.
have_alertmanager() { { have prometheus-alertmanager || have alertmanager; } && have amtool; }
have_all() { have_prometheus && have_alertmanager; }

missing_packages() {
    have_prometheus || echo prometheus
    have_alertmanager || echo prometheus-alertmanager
}

# from_image ENGINE REPOSITORY PROGRAM...
from_image() {
    local engine=$1 image container
    image="$(sed -nE "s|^ *image: *($2:[^ ]+).*|\1|p" docker-compose.yml)"
    shift 2
    say "Taking $* out of the image $image with $engine"
    container="$("$engine" create "$image")" || return 1
    for program in "$@"; do
        "$engine" cp "$container:/bin/$program" ".venv/bin/$program" || break
    done
    "$engine" rm "$container" >/dev/null
}

from_images() {
    mkdir -p .venv/bin
    have_prometheus || from_image "$1" prom/prometheus prometheus promtool || return 1
    have_alertmanager || from_image "$1" prom/alertmanager alertmanager amtool
}

have_all && exit 0
mapfile -t packages < <(missing_packages)
if apt_install "${packages[@]}"; then
    # Installed for tests and the demo, they are not to start with the machine either.
    if have systemctl; then as_root systemctl -q disable "${packages[@]}" >/dev/null 2>&1 || true; fi
fi
hash -r
for engine in docker podman; do
    have_all && exit 0
    if have "$engine"; then from_images "$engine" || true; fi
done
have_all || fail "Missing: $(missing_packages | xargs). Install them: sudo apt-get install -y $(missing_packages | xargs)"
