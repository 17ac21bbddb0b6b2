#!/usr/bin/env bash
# Runs notebooks as Colab would: packages as on Colab, no rru_nb, no checkout, an empty folder.
#
#   scripts/try_alone.sh              all notebooks, at scale smoke
#   scripts/try_alone.sh dropout ...  some of them
#
# Each notebook is copied alone. The first installs the package itself, by its hidden first cell,
# which has this checkout's address in place of the repository's; the others find it installed from
# a wheel. Takes about ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD
[ -x .venv/bin/papermill ] || { echo "Run 'make environment' first." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tensorflow=$(grep '^tensorflow==' requirements.txt)

.venv/bin/python -m venv "$work/alone"
"$work/alone/bin/python" -m pip install --quiet "$tensorflow" ipykernel nbconvert
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" .
# Nothing of this machine's settings, caches or records.
for name in $(compgen -e | grep '^RRU_NB_' || true); do unset "$name"; done
export HOME=$work/home XDG_CACHE_HOME=$work/home/cache
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="*"
mkdir -p "$XDG_CACHE_HOME"

if [ $# -eq 0 ]; then
  set -- $(basename -s .ipynb notebooks/*.ipynb)
fi
for name in "$@"; do
  parameters=params/papermill/$name-smoke.yml
  [ -f "$parameters" ] || parameters=params/papermill/$name.yml
  folder=$work/$name
  mkdir "$folder"
  .venv/bin/papermill --prepare-only --log-level ERROR -f "$parameters" \
    "notebooks/$name.ipynb" "$folder/$name.ipynb" 2>/dev/null
  sed -i "s|_REPOSITORY = \\\\\"[^\\\\]*\\\\\"|_REPOSITORY = \\\\\"file://$checkout\\\\\"|" "$folder/$name.ipynb"
  grep -q "file://$checkout" "$folder/$name.ipynb" || { echo "$name: no address set" >&2; exit 1; }
  (cd "$folder" && "$work/alone/bin/jupyter" nbconvert --to notebook --execute --inplace \
    --log-level ERROR "$name.ipynb")
  echo "$name: ran alone"
  "$work/alone/bin/python" -m pip install --quiet --force-reinstall --no-deps "$work"/wheel/*.whl
done
