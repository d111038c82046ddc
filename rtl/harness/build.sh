#!/bin/sh
# build.sh SOURCES FOLDER [wave] -- builds FOLDER/machine from FOLDER/systole_params.{h,vh} and the Verilog in SOURCES/rtl;
# "wave": one that can draw (wave.cpp).
#
# Called by rtl_build.c, which names FOLDER and keeps what this prints as the log.
#
# SPDX-License-Identifier: Apache-2.0
set -e
sources=$(cd "$1" && pwd)
cd "$2"
CC=${CC:-cc}
harness=$sources/rtl/harness
define=
set -- "${3:-plain}"
case $1 in
    plain) set -- --binary "$harness/harness.sv" ;;
    wave)
        define=-DSY_WAVE
        set -- --cc --exe --build --timing --trace-fst --trace-structs +define+SY_WAVE -CFLAGS -I"$harness" \
            "$PWD/systole_enums.sv" "$harness/wave.sv" "$harness/harness.sv" "$harness/wave.cpp" ;;
    *) echo "build.sh: '$1': expected plain or wave" >&2; exit 2 ;;
esac
if command -v ccache >/dev/null; then
    OBJCACHE=${OBJCACHE:-ccache}
    export OBJCACHE
fi
for file in rtl/harness/harness.c simulator/dram.c base/rng.c base/diag.c; do
    $OBJCACHE $CC -std=c11 -O2 -D_XOPEN_SOURCE=700 $define -I. -I"$sources/rtl/harness" -I"$sources/simulator/include" \
        -I"$sources/isa/include" -I"$sources/base/include" -c "$sources/$file" -o "$(basename "$file" .c).o"
done
# --x-initial unique: what has no reset starts with a random value, so that nothing can rely on zero.
# -O1 for what runs once; the two-state random values come from +verilator+rand+reset+2 at run time.
if grep -q SYP_COVERAGE systole_params.vh; then
    set -- --coverage-line -fno-split "$@" # split blocks are miscounted
fi
verilator --top-module harness -O3 --x-initial unique --threads 1 -Wno-fatal -Wno-INITIALDLY -Wno-UNUSED -j 2 \
    --Mdir obj +incdir+. +incdir+"$sources/rtl/harness" -F "$sources/rtl/systole.f" "$sources"/rtl/harness/axi_*.v "$@" \
    "$PWD/harness.o" "$PWD/dram.o" "$PWD/rng.o" "$PWD/diag.o" \
    -MAKEFLAGS "OPT_FAST=-O2 OPT_SLOW=-O0 OPT_GLOBAL=-O2"
mv obj/Vharness machine
rm -rf obj harness.o dram.o rng.o diag.o
