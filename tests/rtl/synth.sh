# synth.sh -- Yosys synthesises tiny for an FPGA, without latches, loops and double drivers, its memories as memories.
# label: slow
# timeout: 3600
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
command -v yosys > /dev/null || { echo "skipped: yosys is not installed"; exit 77; }
page=$(mktemp)
trap 'rm -f "$page"' EXIT
scripts/synth.sh -o "$page" tiny
# What the numbers must be whatever the rest becomes: bits of memory are those of the configuration.
bits() { awk -F'[ |`]+' -v name="$1" '/^\| module/ { modules = 1 } modules && $2 == name { print $(NF - 1) }' "$page"; }
key() { awk -F'[][= #]+' -v section="$1" -v key="$2" '/^\[/ { at = $2 } at == section && $1 == key { print $2 }' configs/tiny.ini; }
expect() { (( $(bits "$1") == $2 )) || { echo "$1: $(bits "$1") bits, expected $2"; exit 1; }; }
expect tcm $((8 * ($(key core imem_bytes) + $(key core dmem_bytes))))
expect spm_bank $((8 * $(key spm banks) * $(key spm bank_bytes)))
expect acc_bank $((8 * $(key acc banks) * $(key acc bank_bytes)))
