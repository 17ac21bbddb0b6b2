#!/bin/bash
# A sweep on all GPUs of this machine, or with --cpus-per-run 4 on a machine without:
#
#   cluster/gpus.sh robustness --dataset nottingham --scale paper
#   cluster/gpus.sh robustness --dataset nottingham --scale paper --gpus-per-run 0.25
#
# Ray starts here with the sweep and ends with it. Without --gpus-per-run each run has a GPU for itself.
set -euo pipefail
cd "$(dirname "$0")/.."
export RAY_USAGE_STATS_ENABLED=0
exec env -u RAY_ADDRESS .venv/bin/rru-nb sweep "$@" --engine ray --address local
