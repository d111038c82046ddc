# bench.bash -- builds and runs a test bench of Verilog modules with its C oracle; for the scripts beside it.
#
# SPDX-License-Identifier: Apache-2.0

# bench TOP ORACLE.c FILE...: FILEs are Verilog, or more C of the oracle. SYSTOLE_VECTORS: random vectors, instead of the bench's own number.
bench() {
    local top=$1 oracle=$2
    shift 2
    command -v verilator >/dev/null || { echo "skipped: verilator is not installed"; exit 77; }
    command -v ccache >/dev/null && export OBJCACHE=ccache
    work=$(mktemp -d)    # not local: the trap outlives the function
    trap 'rm -rf "$work"' EXIT
    local file verilog=() objects=()
    for file in "$oracle" "$@"; do
        if [[ $file != *.c ]]; then
            verilog+=("$file")
            continue
        fi
        objects+=("$work/$(basename "$file" .c).o")
        ${CC:-cc} -std=c11 -O2 -ffp-contract=off -Wall -Wextra -Werror -Iisa/include -c "$file" -o "${objects[-1]}" || exit 1
    done
    # verilator compiles what it wrote with g++; the oracle comes as object files
    if ! verilator --binary --top-module "$top" -Irtl/gen -Wno-fatal -j 2 --Mdir "$work/obj" "${verilog[@]}" "${objects[@]}" \
            -MAKEFLAGS "OPT_FAST=-O2" >"$work/log" 2>&1; then
        tail -n 20 "$work/log"
        exit 1
    fi
    "$work/obj/V$top" +verilator+rand+reset+2 ${SYSTOLE_VECTORS:+"+vectors=$SYSTOLE_VECTORS"}
}
