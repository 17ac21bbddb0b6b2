#!/usr/bin/env bash
# Makes a virtual environment with pip at $1, and on Debian installs what that takes.
#
# Uses $PYTHON if set, else the first Python on the path that fits.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

folder=${1:?usage: scripts/bootstrap.sh FOLDER}

fits() {  # the version range that requirements.txt is good for
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
  local name
  for name in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
    if command -v "$name" >/dev/null && fits "$name"; then
      "$name" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

# An environment that was moved, or half made, cannot be mended.
if [ -e "$folder" ] && ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
  [ -e "$folder/pyvenv.cfg" ] || fail "$folder exists and is no virtual environment; move it away."
  rm -rf "$folder"
fi
[ -e "$folder/bin/python" ] && fits "$folder/bin/python" && exit 0
rm -rf "$folder"

if ! python=$(find_python); then
  [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python from 3.11 to 3.13."
  command -v apt-get >/dev/null || fail "no Python from 3.11 to 3.13 found; install one," \
    "or name it: PYTHON=/path/to/python3.11 make"
  apt_install python3 python3-venv
  python=$(find_python) || fail "this system's Python is not from 3.11 to 3.13; name one:" \
    "PYTHON=/path/to/python3.11 make"
fi

# Debian leaves ensurepip to a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  apt_install "$(basename "$(readlink -f "$python")")-venv"
fi
"$python" -m venv "$folder"
