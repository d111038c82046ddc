# timeout: 300
# conformance.sh -- ONNX's own test cases (Debian's libonnx-testdata) through the program, by the reference kernels and by the fast
# ones; what does not pass is in known.txt with its reason.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
data=/usr/share/libonnx-testdata/data
[[ -d $data/node ]] || { echo "skipped: no ONNX test cases (Debian: libonnx-testdata)"; exit 77; }
systole=$1/cli/systole
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for kernels in --reference --threads=2; do
    "$systole" test-onnx "$data" --known tests/onnx/known.txt "$kernels" > "$work/out" || { cat "$work/out"; exit 1; }
    tail -n 1 "$work/out"
    read -r n_passed _ n_cases _ < <(tail -n 1 "$work/out")
    (( n_cases == 1072 )) || { echo "expected 1072 cases, found $n_cases"; exit 1; }
    (( 100 * n_passed >= 99 * n_cases )) || { echo "less than 99 % pass"; exit 1; }
done
# Every name in the table is one of the cases.
while IFS=: read -r name _; do
    [[ $name == '#'* ]] || compgen -G "$data/*/$name" > /dev/null || { echo "known.txt: no case '$name'"; exit 1; }
done < tests/onnx/known.txt

# The list for programs: each case once, with a status and a reason.
"$systole" test-onnx "$data" --filter node/test_c --json > "$work/cases.json" || true
n_names=$(grep -o '"name": *"[^"]*"' "$work/cases.json" | sort -u | wc -l)
n_fates=$(grep -o -E '"status": *"(pass|fail|skip)"' "$work/cases.json" | wc -l)
n_reasons=$(grep -o '"reason"' "$work/cases.json" | wc -l)
(( n_names > 50 && n_names == n_fates && n_names == n_reasons )) || { echo "--json: $n_names names, $n_fates fates, $n_reasons reasons"; exit 1; }
grep -A 1 '"status": *"fail"' "$work/cases.json" | grep -q '"reason": *"[^"]' || { echo "--json: a failure without a reason"; exit 1; }
