#!/bin/bash
# lint.sh -- the Verilog has no warning from `verilator --lint-only -Wall` in any shipped configuration.
# timeout: 300
#
# Waivers, each with its reason: rtl/lint/waivers.vlt.
#
# SPDX-License-Identifier: Apache-2.0
set -u
command -v verilator >/dev/null || { echo "skipped: verilator is not installed"; exit 77; }

# [section] key = value of a configuration, as Verilog parameters; keys that only DRAM's model sees are left out.
parameters() {
    awk -F'[][= #]+' '
        /^\[/ { section = toupper($2) }
        /^[a-z]/ { key = section "_" toupper($1); value = $2 == "int8" ? 0 : $2 == "bf16" ? 1 : $2
                   if (key !~ /^DRAM_(LATENCY|PRESET|MODEL|CLOCK_MHZ)$/) print "-G" key "=" value }' "$1"
}

failed=0
for config in configs/*.ini; do
    mapfile -t options < <(parameters "$config")
    if ! verilator --lint-only -Wall --top-module systole "${options[@]}" rtl/lint/waivers.vlt -F rtl/systole.f; then
        echo "lint: $config: warnings" >&2
        failed=1
    fi
done
exit $failed
