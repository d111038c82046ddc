#!/bin/bash
# fp.sh -- the VPU's fp32 modules against the host's IEEE arithmetic: corner values in all pairs, a million random pairs.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
set -eu
. tests/rtl/bench.bash
bench fp_tb tests/rtl/fp/fp_oracle.c rtl/vpu/fp_add.v rtl/vpu/fp_mul.v rtl/vpu/int_to_fp.v rtl/vpu/fp_to_int.v tests/rtl/fp/fp_tb.sv
