#!/bin/bash
# yosys.sh -- Yosys reads the machine, finds no latch and no loop in it, and synthesises it for configuration tiny.
# timeout: 300
#
# The whole machine goes through coarse synthesis (memories stay $mem cells); the core goes down to gates.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
command -v yosys >/dev/null || { echo "skipped: yosys is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# the keys of configs/tiny.ini as parameters of the top module
parameters=$(awk -F'[][= #]+' '
    /^\[/ { section = toupper($2) }
    /^[a-z]/ { key = section "_" toupper($1); value = $2 == "int8" ? 0 : $2
               if (key != "DRAM_LATENCY") printf " -chparam %s %s", key, value }' configs/tiny.ini)
files=$(grep -v '^+' rtl/systole.f | sed 's|^|rtl/|' | tr '\n' ' ')

# Loop variables of combinational blocks look like latches until opt_clean finds that nobody reads them.
yosys -q -l "$work/machine.log" -p "
    read_verilog -Irtl/gen $files
    hierarchy -check -top systole $parameters
    proc; opt_clean
    select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr
    check -assert
    synth -top systole -run coarse:fine
    select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr
    check -assert
    stat" >"$work/out" 2>&1 || { tail -n 30 "$work/out"; exit 1; }
yosys -q -l "$work/core.log" -p "
    read_verilog -Irtl/gen $files
    synth -top core -flatten
    select -assert-none t:\$_DLATCH*
    check -assert
    stat" >"$work/out" 2>&1 || { tail -n 30 "$work/out"; exit 1; }
grep -E 'Number of cells' "$work/machine.log" | tail -n 1 | sed 's/^ */machine, coarse: /'
grep -E 'Number of cells' "$work/core.log" | tail -n 1 | sed 's/^ */core, gates:      /'
