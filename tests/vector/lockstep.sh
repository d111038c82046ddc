# lockstep.sh -- the programs of examples/vector on simulator and Verilog: the same cycles, counters and memories.
# timeout: 900
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }

for program in examples/vector/*.s; do
    name=$(basename "$program" .s)
    config=tiny
    [[ $name == *_bf16 ]] && config=tiny-bf16
    expect 0 asm "$program" -c $config -o "$work/$name.elf"
    for stalls in '' '--stalls 3:9'; do
        # shellcheck disable=SC2086 # two words, or none
        timeout 500 "$systole" cosim "$work/$name.elf" $stalls > "$work/out" 2> "$work/err" || fail "$name: $(head -n 5 "$work/out" "$work/err")"
        out "difference 0"
    done
done
