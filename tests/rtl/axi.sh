#!/bin/bash
# axi.sh -- the bus checkers see nothing in legal traffic, and each planted violation of a rule on its channel.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=(rtl/harness/axi_channel_check.v rtl/harness/axi_check.v rtl/harness/axi_lite_check.v tests/rtl/axi/axi_tb.v)
failed=0

# What each case must say: case, rule, channel (0 AR, 1 R, 2 AW, 3 W, 4 B).
cases='0 0 0
1 VALID_DROPPED AR
2 PAYLOAD_CHANGED AW
3 PAYLOAD_CHANGED W
4 VALID_IN_RESET W
5 CROSSES_4K AR
6 SIZE AW
7 BURST_TYPE AR
8 BURST_LENGTH AR
9 W_WITHOUT_AW W
10 WLAST W
11 WLAST W
12 WSTRB W
13 R_WITHOUT_AR R
14 RLAST R
15 RLAST R
16 B_EARLY B
17 EXOKAY R
18 EXOKAY B
19 RLAST R
20 TOO_MANY AR
21 BURST_LENGTH AR
22 PAYLOAD_CHANGED R
23 B_EARLY B
100 0 0
101 R_WITHOUT_AR R
102 B_EARLY B
103 B_EARLY B
104 VALID_DROPPED AR
105 VALID_IN_RESET B
106 EXOKAY R
107 PAYLOAD_CHANGED W'
unknown='24 UNKNOWN AR
25 UNKNOWN AR
26 UNKNOWN W'

value() { [[ $1 == 0 ]] && echo 0 || sed -n "s/^\`define AXI_$1 *[0-9]'d//p" rtl/harness/axi_rules.vh; }

# check LIST COMMAND...: runs COMMAND +case=N for every line.
check() {
    local list=$1 n rule channel want got
    shift
    while read -r n rule channel; do
        want="case $n: rule $(value "$rule") channel $(value "$channel")"
        got=$("$@" "+case=$n" | grep '^case')
        if [[ $got != "$want" ]]; then
            echo "axi: $rule on $channel: expected '$want', got '$got'" >&2
            failed=1
        fi
    done <<< "$list"
}

# Every rule has its case.
while read -r rule; do
    grep -q " $rule " <<< "$cases
$unknown" || { echo "axi: no case plants $rule" >&2; failed=1; }
done < <(sed -n "s/^\`define AXI_\([A-Z0-9_]*\) *5'd[1-9].*/\1/p" rtl/harness/axi_rules.vh)

ran=0
if command -v verilator > /dev/null; then
    command -v ccache > /dev/null && export OBJCACHE=ccache
    verilator --lint-only -Wall -Wno-SYNCASYNCNET -Irtl/harness --top-module axi_check "${files[@]:0:3}" -Wno-MULTITOP || failed=1
    verilator --binary --top-module axi_tb -Irtl/harness -Wno-fatal -j 2 --Mdir "$work/obj" "${files[@]}" > "$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
    check "$cases" "$work/obj/Vaxi_tb"
    ran=1
fi
if command -v iverilog > /dev/null; then # four states: unknown values too
    iverilog -g2005 -Irtl/harness -s axi_tb -o "$work/axi" "${files[@]}" || exit 1
    check "$cases
$unknown" vvp -n "$work/axi"
    ran=1
fi
(( ran )) || { echo "skipped: needs Verilator or Icarus Verilog"; exit 77; }
exit $failed
