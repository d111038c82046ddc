#!/usr/bin/env bash
# demo.sh -- sets up, builds for speed, and does the main job: a real network from ONNX to exact cycles and RTL.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@" || fail "this failed: $*"; }

scripts/setup.sh
scripts/build.sh release

systole=build/release/cli/systole
[[ -x $systole ]] || fail "this tree builds no $systole, so there is nothing to show"
data=/usr/share/datasets/fashion-mnist
images=$data/t10k-images-idx3-ubyte.gz
labels=$data/t10k-labels-idx1-ubyte.gz
[[ -r $images && -r $labels ]] || fail "no Fashion-MNIST in $data: install dataset-fashion-mnist"
out=build/demo
mkdir -p "$out"
scale=0.00392156862745098   # pixels are 0 to 255, the network wants 0 to 1

step "Compile: an int8 network from ONNX to a program for the machine 'edge' (16 x 16 int8)"
run $systole compile examples/fashion_mnist/fashion_mnist_int8.onnx -c edge -o $out/fashion_mnist.elf

step "Evaluate: all 10,000 test images, on the cycle-exact simulator and on the CPU; every output is compared"
run $systole eval $out/fashion_mnist.elf --devices sim,cpu --data idx:$images,$labels --scale $scale

if command -v verilator > /dev/null && command -v g++ > /dev/null; then
    step "Prove: ten images on simulator and Verilog in lockstep (the Verilog is built the first time: a minute or two)"
    run $systole cosim $out/fashion_mnist.elf --images 10 --data idx:$images,$labels --scale $scale
else
    fail "no Verilator and g++ on this machine: the Verilog cannot run"
fi

step "Profile: where the cycles went"
run $systole profile $out/fashion_mnist.elf --trace $out/trace.json
printf '\nThe trace is in %s: open it in https://ui.perfetto.dev\n' "$out/trace.json"
