#!/bin/bash
# array.sh -- the array of processing elements against a product in C: 400 planes as close as the contract allows.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
set -eu
. tests/rtl/bench.bash
bench array_tb tests/rtl/array/array_oracle.c rtl/lib/skew.v rtl/mxu/pe.v rtl/mxu/mxu_array.v tests/rtl/array/array_tb.sv
