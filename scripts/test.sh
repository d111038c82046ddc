#!/usr/bin/env bash
# test.sh [PRESET] -- sets up, builds, and runs all default tests (all but the slow ones and the benches).
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-dev}
scripts/setup.sh
scripts/build.sh "$preset"
status=0
ctest --test-dir "build/$preset" -LE 'slow|bench' --output-on-failure --no-tests=error -j "$(nproc)" || status=$?
# CTest names what it skipped; this says why.
sed -n 's/^skipped: /test: skipped: /p' "build/$preset/Testing/Temporary/LastTest.log" 2> /dev/null | sort -u || true
exit "$status"
