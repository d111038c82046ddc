#!/bin/bash
# fp.sh -- the fp32 and bf16 modules against the host's IEEE arithmetic: corner values in all pairs, a million random vectors.
# timeout: 300
#
# SYSTOLE_VECTORS=10000000 tests/rtl/fp.sh for more.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
. tests/rtl/bench.bash
bench fp_tb tests/rtl/fp/fp_oracle.c rtl/vpu/fp_add.v rtl/vpu/fp_mul.v rtl/vpu/int_to_fp.v rtl/vpu/fp_to_int.v rtl/vpu/fp_fma.v rtl/vpu/fp_to_bf16.v \
    rtl/mxu/bf16_fma.v tests/rtl/fp/fp_tb.sv
