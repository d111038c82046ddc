# example.sh -- examples/run_model.c runs, and gives what the program systole gives; libsystole.so exports sy_ names alone.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
build=$1
model=examples/fashion_mnist/fashion_mnist_int8.onnx

output=$("$build/examples/run_model" "$model")
[[ $(wc -l <<< "$output") == 2 ]]
[[ $(head -n 1 <<< "$output" | wc -w) == 10 ]]
if [[ $SY_HAVE_LLVM == 1 ]]; then
    cycles=$("$build/cli/systole" run "$model" --device sim --json | sed -n 's/.*"cycles": \([0-9]*\).*/\1/p')
    [[ $(tail -n 1 <<< "$output") == "$cycles cycles" ]]
fi
if "$build/examples/run_model" /nonexistent 2> /dev/null; then
    echo "a missing model gives exit status 0"
    exit 1
fi
(( $(wc -l < examples/run_model.c) <= 60 ))

if command -v nm > /dev/null; then
    foreign=$(nm -D --defined-only "$build/runtime/libsystole.so" | awk '$2 ~ /^[TDBRVW]$/ { print $3 }' | grep -v '^sy_' || true)
    [[ -z $foreign ]] || { printf 'libsystole.so exports %s\n' $foreign; exit 1; }
fi
