# fuzz.sh -- systole fuzz: what is fixed by the seed, what programs exercise, wrong options. (The Verilog: tests/cosim/fuzz.sh.)
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"

same=(fuzz --portable --output-dir "$work" --seed 3)

expect 0 "${same[@]}" -c tiny --count 60 --coverage
out 'difference 0: 60 programs on 1 configuration,'
out 'matrix product: '
out 'counter above zero: '
cp "$work/out" "$work/first"
expect 0 "${same[@]}" -c tiny --count 60 --coverage
cmp -s "$work/out" "$work/first" || fail "the same seed gives other programs"

expect 0 "${same[@]}" --configs 3 --max-dim 8 --count 10 --json
out '"programs": 30'
out '"different": 0'

expect 2 "${same[@]}" --max-dim 3
