#!/usr/bin/env bash
# demo.sh -- sets up, builds for speed, and does the main job: a real network from ONNX to exact cycles and RTL.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

scripts/setup.sh
scripts/build.sh release

systole=build/release/cli/systole
[[ -x $systole ]] || fail "this tree builds no $systole, so there is nothing to show"

# ---- the main job: compile, evaluate, compare, run in lockstep, profile -------------------------------------------
fail "the main job is not part of this tree"
