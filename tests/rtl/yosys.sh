#!/bin/bash
# yosys.sh -- Yosys reads the machine in configuration tiny, and finds no latch, no net with two drivers or none, and no loop.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
set -eu
command -v yosys > /dev/null || { echo "skipped: yosys is not installed"; exit 77; }
scripts/synth.sh -s tiny
