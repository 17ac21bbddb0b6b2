#!/usr/bin/env bash
# Trains the chorales with all cells on JAX, in an environment that has never seen TensorFlow.
#
#   scripts/try_without_tensorflow.sh
#   PYTHON=/path/to/python3.13 scripts/try_without_tensorflow.sh
#
# The package comes from a wheel, its dependencies from pyproject.toml: all but TensorFlow, and JAX.
# Takes two minutes of computing, most of them to compile, and the downloads.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.12}
command -v "$python" >/dev/null || { echo "No $python; name a Python 3: PYTHON=..." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/env"
new=$work/env/bin/python
"$new" - >"$work/requirements.txt" <<'END'
import tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
wanted = [*project["dependencies"], *project["optional-dependencies"]["jax"]]
print("\n".join(line for line in wanted if not line.startswith("tensorflow")))
END
"$new" -m pip install --quiet --requirement "$work/requirements.txt"
"$new" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" .
"$new" -m pip install --quiet --no-deps "$work"/wheel/*.whl
if "$new" -c 'import tensorflow' 2>/dev/null; then
  echo "TensorFlow came along with a dependency." >&2
  exit 1
fi

# Nothing of this machine's settings, caches or records, nor of this checkout.
for name in $(compgen -e | grep -E '^(RRU_NB_|KERAS_|PYTHONPATH)' || true); do unset "$name"; done
export HOME=$work/home XDG_CACHE_HOME=$work/home/cache RRU_NB_RESULTS=$work/results
mkdir -p "$XDG_CACHE_HOME" "$work/elsewhere"
cd "$work/elsewhere"

for cell in rru gru lstm mogrifier; do
  "$work/env/bin/rru-nb" --backend jax run --dataset chorales --cell $cell --scale smoke --quiet
done
"$work/env/bin/rru-nb" results --dataset chorales
said=$("$work/env/bin/rru-nb" run --dataset chorales --cell gru --scale smoke --seed 1 2>&1 || true)
echo "$said"
[[ $said == *"'tensorflow' is not installed"* ]] || { echo "It should have said so." >&2; exit 1; }
