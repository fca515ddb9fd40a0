#!/usr/bin/env bash
# The pictures of the documents, taken from the demo's home: docs/images/digest.png and page.png.
# Needs what `make demo` needs, and chromium. Takes a minute and a half.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

browser=$(command -v chromium chromium-browser google-chrome | head -n 1) ||
    fail "pictures need chromium: sudo apt-get install -y chromium"
folder=$(mktemp -d)
demo=

stop() {
    [ -z "$demo" ] || kill -TERM "$demo" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap stop EXIT

# address NAME: where the demo says it is.
address() { sed -n "s|^ *$1  *\(http://[^ ]*\)$|\1|p" "$folder/demo.txt"; }

wait_for() {
    local tries
    for tries in $(seq 150); do
        grep -q "$1" "$folder/demo.txt" && return
        kill -0 "$demo" 2>/dev/null || fail "the demo ended early: $(tail -n 1 "$folder/demo.txt")"
        sleep 1
    done
    fail "the demo did not say: $1 (waited ${tries} s)"
}

# picture URL WIDTH HEIGHT FILE: at twice the pixels, cut below the content, with a small palette.
picture() {
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=2 \
        --user-data-dir="$folder/browser" --window-size="$2,$3" --screenshot="$folder/raw.png" "$1" >/dev/null 2>&1 ||
        fail "chromium could not take a picture of $1"
    .venv/bin/python - "$folder/raw.png" "$4" <<'PYTHON'
import sys

from PIL import Image, ImageChops

picture = Image.open(sys.argv[1]).convert("RGB")
ground = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
bottom = ImageChops.difference(picture, ground).getbbox()[3]
picture = picture.crop((0, 0, picture.width, min(picture.height, bottom + 24)))
picture.quantize(96, dither=Image.Dither.NONE).save(sys.argv[2], optimize=True)
PYTHON
    say "$4: $(($(wc -c <"$4") / 1024)) kB"
}

.venv/bin/watchman demo >"$folder/demo.txt" 2>&1 &
demo=$!
say "The demo starts"
wait_for "the phone has the push"
wait_for "yesterday's digest is in the mailbox"
# watchman looks at the powers while somebody looks at the page.
.venv/bin/python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1])' "$(address watchman)/"
sleep 5
mkdir -p docs/images
picture "$(address watchman)/" 640 1200 docs/images/page.png
picture "$(address mails)/1/html" 600 2400 docs/images/digest.png
