# fuzz.sh -- 210 random programs on 5 random configurations, and 60 on tiny, with random stalls: difference 0.
# timeout: 1500
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }

"$systole" fuzz --configs 5 --count 42 --max-dim 8 --output-dir "$work" --json > "$work/out" || fail "$(cat "$work/out")"
out '"programs": 210'
out '"different": 0'
# All ways to end are among them.
for end in 'done' error deadlock; do
    grep -q -E "\"$end\": [1-9]" "$work/out" || fail "no program ends with '$end'"
done
"$systole" fuzz -c tiny --seed 2 --count 60 --output-dir "$work" || fail "tiny differs"
