#!/bin/bash
# array.sh -- the array of processing elements, int8 and bf16, against a product in C: 400 planes as close as the contract allows.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
set -eu
. tests/rtl/bench.bash
bench array_tb tests/rtl/array/array_oracle.c isa/fn/fma.c rtl/lib/skew.v rtl/mxu/bf16_fma.v rtl/mxu/pe.v rtl/mxu/pe_bf16.v \
    rtl/mxu/mxu_array.v tests/rtl/array/array_case.sv tests/rtl/array/array_tb.sv
