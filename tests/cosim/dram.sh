# dram.sh -- memories with banks: golden cycle counts of the demo's network on edge beside each part; simulator and Verilog agree on small
# machines beside them, also when addresses wait and answers are errors, and so do their statistics.
# timeout: 900
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_LLVM == 1 ]] || { echo "skipped: needs LLVM"; exit 77; }

# golden CONFIG CYCLES HITS MISSES CONFLICTS REFRESHES
golden() {
    expect 0 compile examples/fashion_mnist/fashion_mnist_int8.onnx -c "$1" -o "$work/net.elf"
    expect 0 profile "$work/net.elf" --json
    local got
    got=$(sed -n 's/^ *"\(cycles\|row_hits\|row_misses\|row_conflicts\|refreshes\)": \([0-9]*\).*/\1 \2/p' "$work/out" | awk '
        $1 == "cycles" && !cycles { cycles = $2 } $1 != "cycles" { rest = rest " " $2 } END { print cycles rest }')
    [[ $got == "$2 $3 $4 $5 $6" ]] || fail "$1: cycles, row hits, misses, conflicts, refreshes are $got, expected $2 $3 $4 $5 $6"
}
golden edge-lpddr4 24454 1671 34 9 7
golden edge-hbm2 25147 3259 96 49 6

[[ $SY_HAVE_VERILATOR == 1 ]] || exit 0
for part in lpddr4_3200 hbm2_2000; do
    sed "s/^size_mib = .*/size_mib = 4\npreset = $part\nt_refi = 900/" configs/tiny.ini > "$work/$part.ini"
    expect 0 compile "$zoo/t_lenet.onnx" -c "$work/$part.ini" -o "$work/net.elf"
    timeout 600 "$systole" cosim "$work/net.elf" > "$work/out" 2> "$work/err" || fail "$part: $(cat "$work/out" "$work/err")"
    out "difference 0"
    timeout 600 "$systole" cosim "$work/net.elf" --stalls 7:9:5 > "$work/out" 2>&1 || fail "$part, stalls: $(cat "$work/out")"
    out "difference 0"
    # One in 40 bursts is answered with an error: both models stop there, for the same reason.
    for device in sim rtl; do
        timeout 600 "$systole" run "$work/net.elf" --device $device --stalls 7:9:5:40 > /dev/null 2> "$work/$device" && fail "$part: $device ran through"
        grep -q 'error AXI of ' "$work/$device" || fail "$part: no error AXI in '$(cat "$work/$device")'"
        expect 0 profile "$work/net.elf" --device $device --json
        sed -n '/"dram"/,/}/p' "$work/out" > "$work/$device.json"
    done
    cmp <(grep -v note: "$work/sim" | sed 's/ sim: / /') <(grep -v note: "$work/rtl" | sed 's/ rtl: / /') || fail "$part: $(cat "$work/sim" "$work/rtl")"
    cmp "$work/sim.json" "$work/rtl.json" || fail "$part: DRAM's statistics differ"
    grep -q '"refreshes": [1-9]' "$work/sim.json" || fail "$part: no refresh in $(cat "$work/sim.json")"
done
