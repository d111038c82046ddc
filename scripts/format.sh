#!/usr/bin/env bash
# format.sh [--check] -- formats our C files with clang-format 19; with --check only says what would change.
#
# Tables (.def), generated files and files with columns set by hand (clang-format off) stay as they are.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-format-19 > /dev/null || { echo "format: clang-format-19 is not installed" >&2; exit 1; }
mapfile -t files < <(git ls-files -co --exclude-standard '*.c' '*.h' | xargs grep -L '^// GENERATED' --)
if [[ ${1:-} == --check ]]; then
    clang-format-19 --dry-run --Werror "${files[@]}"
else
    clang-format-19 -i "${files[@]}"
fi
