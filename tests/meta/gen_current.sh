#!/usr/bin/env bash
# gen_current.sh -- the committed views of the instruction tables are what isa_gen prints from the tables now.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
gen="$1/isa/isa_gen"
[ -x "$gen" ] || { echo "skipped: isa_gen is not built: $gen"; exit 77; }
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
stale=0
while read -r view file; do
    "$gen" "$view" "$fresh"
    if ! diff -u "$file" "$fresh" >&2; then
        echo "$file is not what the tables say: run  cmake --build $1 --target regen" >&2
        stale=1
    fi
done <<VIEWS
c isa/include/systole/isa/fields.h
vh rtl/gen/isa.vh
md docs/reference/isa-tables.md
VIEWS
exit $stale
