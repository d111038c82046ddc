# trace.sh -- a profile and its trace are the same from the simulator and from the Verilog, and add up.
# timeout: 600
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work, zoo
source "$PWD/tests/include/cli.bash"
[[ ${SY_HAVE_VERILATOR:-0} == 1 && ${SY_HAVE_LLVM:-0} == 1 ]] || { echo "skipped: needs Verilator and LLVM"; exit 77; }

expect 0 compile "$zoo/t_lenet.onnx" -c tiny -o "$work/net.elf"
for device in sim rtl; do
    expect 0 profile "$work/net.elf" --device $device --trace "$work/$device.trace" --json
    mv "$work/out" "$work/$device.json"
done
cmp "$work/sim.trace" "$work/rtl.trace" || fail "the traces differ"
cmp "$work/sim.json" "$work/rtl.json" || fail "the profiles differ"

# One slice for each command.
expect 0 cosim "$work/net.elf" --json
n_commands=$(sed -n 's/.*"commands": *\([0-9]*\).*/\1/p' "$work/out")
n_slices=$(grep -o '"ph":"X"' "$work/rtl.trace" | wc -l)
(( n_slices == n_commands )) || fail "$n_slices slices, $n_commands commands"

# Each unit's causes sum to all cycles; what it was busy with is in flight.
[[ $(grep -c '"sum": 100,\?$' "$work/rtl.json") == 4 ]] || fail "the causes do not sum to 100 %: $(grep '"sum"' "$work/rtl.json")"
awk '/"layer": "the whole run"/ { whole = 1 }
    whole && match($0, /"(mxu|vpu|ld|st)": [0-9.]+/) { split(substr($0, RSTART, RLENGTH), part, /[": ]+/); active[toupper(part[2])] = part[3] }
    /"unit":/ { split($0, part, /[": ,]+/); unit = part[3] }
    /"BUSY":/ { split($0, part, /[": ,]+/); if (part[3] > active[unit] + 0.1) { print unit " is busy " part[3] " %, in flight " active[unit] " %"; bad = 1 } n++ }
    END { exit bad || n != 4 }' "$work/rtl.json" || fail "busy without a command"
