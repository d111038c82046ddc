# bench.bash -- builds and runs a test bench of Verilog modules with its C oracle; for the scripts beside it.
#
# SPDX-License-Identifier: Apache-2.0

# bench TOP ORACLE.c FILE...
bench() {
    local top=$1 oracle=$2
    shift 2
    command -v verilator >/dev/null || { echo "skipped: verilator is not installed"; exit 77; }
    command -v ccache >/dev/null && export OBJCACHE=ccache
    work=$(mktemp -d)    # not local: the trap outlives the function
    trap 'rm -rf "$work"' EXIT
    ${CC:-cc} -std=c11 -O2 -ffp-contract=off -Wall -Wextra -Werror -c "$oracle" -o "$work/oracle.o" || exit 1
    # verilator compiles what it wrote with g++; the oracle comes as an object file
    if ! verilator --binary --top-module "$top" -Irtl/gen -Wno-fatal -j 2 --Mdir "$work/obj" "$@" "$work/oracle.o" \
            -MAKEFLAGS "OPT_FAST=-O2" >"$work/log" 2>&1; then
        tail -n 20 "$work/log"
        exit 1
    fi
    "$work/obj/V$top" +verilator+rand+reset+2
}
