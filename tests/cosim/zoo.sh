# zoo.sh -- every small quantised network, compiled for tiny, runs on simulator and Verilog with difference 0.
# timeout: 900
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_LLVM == 1 && $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator and LLVM"; exit 77; }

n_equal=0
n_host=0
for model in "$zoo"/*.onnx; do
    status=0
    timeout 600 "$systole" cosim "$model" -c tiny > "$work/out" 2> "$work/err" < /dev/null || status=$?
    if (( status == 0 )) && grep -q '^difference 0: ' "$work/out"; then
        n_equal=$((n_equal + 1))
    elif (( status == 1 )) && grep -q -E 'quantise first|nothing in this model runs' "$work/err"; then
        n_host=$((n_host + 1)) # all of it is the host's work
    else
        fail "$model: exit status $status: $(cat "$work/out" "$work/err")"
    fi
done
echo "$n_equal models in lockstep, $n_host on the host alone"
(( n_equal >= 120 ))

# With stalls in DRAM the cycles are others, and the models still agree.
expect 0 cosim "$zoo/conv_1x1.onnx" -c tiny --json
still=$(grep '"cycles"' "$work/out")
expect 0 cosim "$zoo/conv_1x1.onnx" -c tiny --json --stalls 3:50
[[ $(grep '"cycles"' "$work/out") != "$still" ]] || fail "stalls change nothing"
