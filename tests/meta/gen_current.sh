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
rom rtl/gen/fn_rom.v
md docs/reference/isa-tables.md
VIEWS
# The coefficients of the functions; where long double is too short to compute them they are taken as they are.
"$1/isa/isa_fn_fit" "$fresh" && fitted=0 || fitted=$?
if (( fitted == 0 )) && ! diff -u isa/fn/rom.def "$fresh" >&2; then
    echo "isa/fn/rom.def is not what isa_fn_fit computes: run  cmake --build $1 --target regen" >&2
    stale=1
fi
(( fitted == 0 || fitted == 77 )) || exit 1
exit $stale
