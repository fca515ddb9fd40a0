#!/usr/bin/env bash
# Builds the image, with whichever engine is here.
#   scripts/image.sh [BUILD ARGUMENT...]      IMAGE=name:tag and ENGINE=docker|podman|buildah may be set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

version="$(sed -nE 's/^__version__ = "(.+)"$/\1/p' watchman/__init__.py)"
image=${IMAGE:-watchman:$version}

# A docker command without a running daemon is no engine.
works() {
    case $1 in
    docker) docker info >/dev/null 2>&1 ;;
    *) have "$1" ;;
    esac
}

find_engine() {
    local engine
    for engine in docker podman buildah; do
        if works "$engine"; then
            echo "$engine"
            return
        fi
    done
    fail "No container engine: start docker, or sudo apt-get install -y podman"
}

engine=${ENGINE:-$(find_engine)}
label=(--label "org.opencontainers.image.version=$version")
if have git && revision="$(git rev-parse HEAD 2>/dev/null)"; then
    label+=(--label "org.opencontainers.image.revision=$revision")
fi
case $engine in
docker) docker build "${label[@]}" -t "$image" "$@" . ;;
# The OCI format has no health check, Docker's has.
*) "$engine" build --format docker "${label[@]}" -t "$image" "$@" . ;;
esac
say "Built $image with $engine"
