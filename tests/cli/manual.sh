# manual.sh -- docs/user/cli.md is what the program's help says now.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
fresh=$(mktemp)
trap 'rm "$fresh"' EXIT
scripts/manual.sh "$1/cli/systole" > "$fresh"
diff -u docs/user/cli.md "$fresh" || { echo "docs/user/cli.md is old: run  cmake --build $1 --target regen"; exit 1; }
