#!/bin/sh
# build.sh SOURCES FOLDER -- builds FOLDER/machine from FOLDER/systole_params.{h,vh} and the Verilog in SOURCES/rtl.
#
# Called by rtl_build.c, which names FOLDER and keeps what this prints as the log.
#
# SPDX-License-Identifier: Apache-2.0
set -e
sources=$(cd "$1" && pwd)
cd "$2"
CC=${CC:-cc}
if command -v ccache >/dev/null; then
    OBJCACHE=${OBJCACHE:-ccache}
    export OBJCACHE
fi
for file in rtl/harness/harness.c simulator/dram.c base/rng.c base/diag.c; do
    $OBJCACHE $CC -std=c11 -O2 -D_XOPEN_SOURCE=700 -I. -I"$sources/rtl/harness" -I"$sources/simulator/include" \
        -I"$sources/base/include" -c "$sources/$file" -o "$(basename "$file" .c).o"
done
# --x-initial unique: what has no reset starts with a random value, so that nothing can rely on zero.
# -O1 for what runs once; the two-state random values come from +verilator+rand+reset+2 at run time.
verilator --binary --top-module harness -O3 --x-initial unique --threads 1 -Wno-fatal -Wno-INITIALDLY -Wno-UNUSED -j 2 \
    --Mdir obj +incdir+. -F "$sources/rtl/systole.f" "$sources/rtl/harness/harness.sv" \
    "$PWD/harness.o" "$PWD/dram.o" "$PWD/rng.o" "$PWD/diag.o" \
    -MAKEFLAGS "OPT_FAST=-O2 OPT_SLOW=-O0 OPT_GLOBAL=-O2"
mv obj/Vharness machine
rm -rf obj harness.o dram.o rng.o diag.o
