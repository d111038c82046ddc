#!/usr/bin/env bash
# build.sh [PRESET] -- configures and builds into build/PRESET; dev unless another preset is named.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-dev}
fail() { printf 'build: %s\n' "$*" >&2; exit 1; }

for program in cmake ninja; do
    command -v "$program" > /dev/null || fail "$program is not installed: run scripts/setup.sh"
done
printf 'build: preset %s, into build/%s\n' "$preset" "$preset"
cmake --preset "$preset" || fail "configuring preset '$preset' failed"
cmake --build --preset "$preset" || fail "building preset '$preset' failed"
