# models.sh -- the way of a small model: info, compile, run, compare, profile, eval.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_LLVM == 1 ]] || { echo "skipped: needs LLVM"; exit 77; }

model=$zoo/conv_1x1.onnx
input=$zoo/conv_1x1.in.npy
[[ -f $input ]] || fail "$input is missing"

expect 0 info $model
out "QConv"
name=$(awk '$1 == "input" { print $2 }' "$work/out")
expect 0 info --json $model

for config in tiny edge; do
    expect 0 compile $model -c $config -o "$work/$config.elf" --report "$work/report.json"
    out "placement"
    grep -q '"layers"' "$work/report.json"
    expect 0 info "$work/$config.elf"
    out "compiled model"
    expect 0 info --json "$work/$config.elf"
    expect 0 disasm "$work/$config.elf"
    out "core.halt"

    # Whatever the device, the same bits.
    for device in cpu sim; do
        expect 0 run "$work/$config.elf" --device $device --reference --input "$name=$input" --output-dir "$work/$device" \
            --stats "$work/stats.json" --save-all "$work/all"
        grep -q '"cycles"' "$work/stats.json"
    done
    for file in "$work"/cpu/*.npy; do
        cmp "$file" "$work/sim/$(basename "$file")" || fail "cpu and sim differ on $(basename "$file")"
    done
    (( $(find "$work/all" -name '*.npy' | wc -l) >= 2 ))
    expect 0 run "$work/$config.elf" --repeat 3
    out "p50"
    expect 0 run "$work/$config.elf" --timing-only
    timing=$(sed -n 's/^sim: \([0-9]*\) cycles.*/\1/p' "$work/out")
    expect 0 run "$work/$config.elf" --portable
    out "sim: $timing cycles"
    expect 0 compare "$work/$config.elf" --devices reference,sim --reference --all
    out "all equal to the bit"

    expect 0 profile "$work/$config.elf" --trace "$work/trace.json"
    out "100.00 %"
    out "$timing cycles"
    grep -q '"traceEvents"' "$work/trace.json"
    expect 0 profile "$work/$config.elf" --json
    out "\"cycles\": $timing"
done

# An ONNX model is compiled in memory; a compiled one is for its configuration.
expect 0 run $model --device sim -c tiny
expect 1 run "$work/tiny.elf" -c edge
one_line
err "tiny"
expect 1 compile "$work/tiny.elf"
one_line

# fp32 on an int8 machine.
fp32=examples/fashion_mnist/fashion_mnist_fp32.onnx
expect 0 run $fp32 --device sim
err "quantise first"
expect 1 run $fp32 --device sim --no-fallback
one_line
err "quantise first"
expect 1 compile $fp32 --no-fallback -o "$work/no.elf"
one_line
[[ ! -e $work/no.elf ]]

# Accuracy over a data set, made here: two images and labels in IDX form.
{ printf '\0\0\010\003\0\0\0\002\0\0\0\034\0\0\0\034'; head -c 1568 /dev/zero; } > "$work/images"
printf '\0\0\010\001\0\0\0\002\007\003' > "$work/labels"
int8=examples/fashion_mnist/fashion_mnist_int8.onnx
expect 0 eval $int8 --devices sim,reference --reference --data "idx:$work/images,$work/labels" --scale 0.00392156862745098
out "50.00 %"
expect 0 eval $int8 --device sim --limit 1 --json --data "idx:$work/images"
expect 1 eval $int8 --data "idx:$work/images,$work/nothing"
one_line
