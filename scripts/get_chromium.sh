#!/usr/bin/env bash
# Installs Chromium where none is found; scripts/check_site.py drives it.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

[ -z "${CHROMIUM:-}" ] || exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
apt_install chromium
