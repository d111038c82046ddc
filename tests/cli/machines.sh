# machines.sh -- networks compile for machines of all sizes and shallow queues, and give the reference's bits there.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_LLVM == 1 ]] || { echo "skipped: needs LLVM"; exit 77; }

# Programs are serially legal, so queues of one entry are slow and nothing worse.
for name in tiny d8 edge d32; do
    cp "configs/$name.ini" "$work/$name.ini"
    grep -v -E '^\[(post|pipeline)\]' "configs/$name.ini" | sed -E 's/^depth = .*/depth = 1/' > "$work/$name-shallow.ini"
    printf '[pipeline]\ncommands = 1\ncheck_cycles = 5\n' >> "$work/$name-shallow.ini"
    sed -E 's/^banks = .*/banks = 4/' "configs/$name.ini" > "$work/$name-banks.ini"
done
sed -i '0,/^depth = 1$/!{/^depth = 1$/d}' "$work"/*-shallow.ini # post.depth has lost its section

models=("$zoo"/{conv_3x3,conv_65_1x1,conv_batch3,conv_depthwise,conv_group5,conv_7x7_s2,residual,concat,max_3x3_pad,avg_qop_u8}.onnx
    "$zoo"/{gemm_u8,matmul_channel,t_resnet,t_mobilenet,t_inception}.onnx examples/fashion_mnist/fashion_mnist_int8.onnx)
n_equal=0
for config in "$work"/*.ini; do
    for model in "${models[@]}"; do
        status=0
        timeout 60 "$systole" compare "$model" -c "$config" --devices reference,sim --reference > "$work/out" 2> "$work/err" \
            < /dev/null || status=$?
        # A network that does not fit a small machine is refused with sizes.
        n_equal=$((n_equal + (status == 0)))
        (( status == 0 )) || grep -q -E '[0-9]+ (bytes|rows)' "$work/err" ||
            fail "$model on $(basename "$config"): exit status $status: $(cat "$work/out" "$work/err")"
    done
done
echo "$n_equal networks on $(find "$work" -name '*.ini' | wc -l) machines"
(( n_equal >= 180 ))
