# fuzz.sh -- random programs with random stalls on tiny and random configurations, always others: difference 0.
# timeout: 1500
#
# The seed comes from the commit, or is SYSTOLE_FUZZ_SEED; it is printed. Programs are new with every commit, and one
# configuration; the others stay, so that their Verilog is built once.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }

commit=$(git rev-parse --short=8 HEAD 2> /dev/null || date +%Y%m%d)
seed=${SYSTOLE_FUZZ_SEED:-$((16#$commit))}
echo "seed $seed (SYSTOLE_FUZZ_SEED=$seed $0 does the same again)"

# random ARGUMENT... -- nothing differs; numbers in $work/out.
random() {
    "$systole" fuzz "$@" --output-dir "$work" --json > "$work/out" 2> "$work/err" ||
        fail "seed $seed: systole fuzz $*: $(cat "$work/err" "$work/out")"
    out '"different": 0'
    sed -n 's/^  "\(programs\|cycles\)": \([0-9]*\),$/\1 \2/p' "$work/out" | paste -s -d ' '
}
random -c tiny --seed 2 --count 60
random -c tiny --seed "$seed" --count 300
random --configs 3 --max-dim 8 --config-seed 1 --seed "$seed" --count 150
# All ways to end are among them.
for end in 'done' error deadlock; do
    grep -q -E "\"$end\": [1-9]" "$work/out" || fail "no program ends with '$end'"
done
random --configs 1 --max-dim 8 --seed "$seed" --count 150
