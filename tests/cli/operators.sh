# operators.sh -- docs/reference/operators.md is what the tables say now.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
fresh=$(mktemp)
trap 'rm "$fresh"' EXIT
scripts/operators.sh "$1/cli/systole" > "$fresh"
diff -u docs/reference/operators.md "$fresh" || { echo "docs/reference/operators.md is old: run  cmake --build $1 --target regen"; exit 1; }
