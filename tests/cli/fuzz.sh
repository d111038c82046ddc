# fuzz.sh -- systole fuzz: what is fixed by the seed, what programs exercise, wrong options. (The Verilog: tests/cosim/fuzz.sh.)
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"

same=(fuzz --portable --output-dir "$work" --seed 3)

expect 0 "${same[@]}" -c tiny --count 60 --coverage
out 'difference 0: 60 programs on 1 configuration,'
out 'matrix product: '
out 'instruction x field x cause: '
grep -q -E '^all: [0-9]+ of [0-9]+, [0-9.]+ %$' "$work/out" || fail "no total: $(cat "$work/out")"
cp "$work/out" "$work/first"
expect 0 "${same[@]}" -c tiny --count 60 --coverage
cmp -s "$work/out" "$work/first" || fail "the same seed gives other programs"

expect 0 "${same[@]}" --configs 3 --max-dim 8 --count 10 --json
out '"programs": 30'
out '"different": 0'

# As JSON: the same numbers, and all that is missing by name.
expect 0 "${same[@]}" -c tiny --count 60 --coverage --json
[[ $(grep -c '"missing"' "$work/out") -ge 18 ]] || fail "groups are missing: $(head -n 50 "$work/out")"
out '"VPU red_fn:'
total=$(sed -n 's/^all: \([0-9]*\) of.*/\1/p' "$work/first")
[[ $(sed -n 's/^    "seen": \([0-9]*\),$/\1/p' "$work/out") == "$total" ]] || fail "JSON and text differ: $total"

expect 2 "${same[@]}" --max-dim 3
expect 2 "${same[@]}" --max-dim 128
