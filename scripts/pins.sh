#!/usr/bin/env bash
# Prints the packages installed for the Python $1 as names and versions, and nothing else.
set -euo pipefail

echo '# The exact versions that the book is built and tested with; written by `make lock`.'
"$1" -m pip freeze | grep -E '^[A-Za-z0-9._-]+==' | grep -v '^rru_nb==' | LC_ALL=C sort -f
