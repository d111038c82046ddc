#!/usr/bin/env bash
# operators.sh SYSTOLE -- prints docs/reference/operators.md, the list of operators, from 'SYSTOLE info --operators'.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

table=$("$1" info --operators)
cat << 'END'
<!-- GENERATED from the operator tables by scripts/operators.sh -- do not edit.   Regenerate: cmake --build build/dev --target regen -->
# Operators

What models may have, from the operator table (`compiler/graph/include/systole/graph/optable.def` and the files it includes) and
from `compiler/graph/import/functions.def`; `systole info --operators` prints the same. `systole test-onnx` runs ONNX's own tests of them.

- **as in**: the operator set whose meaning the row has; import translates older forms, back to operator set 1.
- **cpu**: `reference` is the plain kernel that judges all others; `fast` one more for the types that matter; `executor`: runs
  regions; `import`: written in terms of other operators when a model is read.
- **machine**: where a quantised operator goes; which functions it computes besides, by tables and by its function unit,
  and which float networks a bf16 machine takes: [what the accelerator runs](../user/operators.md). All else runs on the cpu.

END
for domain in $(awk 'NR > 1 { print $1 }' <<< "$table" | uniq); do
    printf '## %s\n\n| operator | as in | cpu | machine | means |\n|---|---|---|---|---|\n' "$domain"
    awk -F '  +' -v domain="$domain" 'NR > 1 && $1 == domain {
        gsub(/\|/, "\\|", $6)
        printf "| %s | %s | %s | %s | %s |\n", $2, $3, $4, $5, $6
    }' <<< "$table"
    printf '\n'
done
printf '%s operators.\n' "$(awk 'END { print NR - 1 }' <<< "$table")"
