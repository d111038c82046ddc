# symbols.sh -- what our libraries define for the linker has one of our prefixes, so that a user's names are free.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
command -v nm > /dev/null || { echo "skipped: nm is not installed"; exit 77; }

# Reads nm's lines; prints the names that are not ours.  Left out: names that the compiler or the
# sanitizers made (__x), C++ (_Zx, from Verilator), and what protoc-c writes for ONNX.
foreign() {
    awk '$2 ~ /^[TDBRVW]$/ { print $3 }' |
        grep -v -E '^(sy|base|isa|ir|pass|cc|sched|sim|rt|rtl)_|^__|^_Z|^onnx__' | sort -u || true
}

libraries=$(find "$1" -name 'libsy_*.a')
[[ -n $libraries ]] || { echo "no library under $1"; exit 1; }
names=$(xargs -d '\n' nm -g --defined-only <<< "$libraries" 2> /dev/null | foreign)
if [[ -n $names ]]; then
    printf 'a name without prefix: %s\n' $names
    exit 1
fi
[[ $(printf '0000 T helper\n0000 T sy_good\n' | foreign) == helper ]]
