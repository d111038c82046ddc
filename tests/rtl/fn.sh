#!/bin/bash
# fn.sh -- the unit of the elementary functions against their definition: corner values, all exponents, 200,000 random values each.
# timeout: 300
#
# SYSTOLE_VECTORS=10000000 tests/rtl/fn.sh for more. Values come at random distances; the unit must hand on what stands in it.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
. tests/rtl/bench.bash
bench fn_tb tests/rtl/fp/fn_oracle.c isa/fn/fn.c rtl/gen/fn_rom.v rtl/vpu/fn_unit.v tests/rtl/fp/fn_tb.sv
