#!/usr/bin/env bash
# coverage.sh [BUILD [FOLDER]] -- which lines of the Verilog random programs and the tests of the machine reach: a table per module.
#
# Builds machines that count their lines (Verilator), runs `systole fuzz` on tiny, tiny-bf16 and some random configurations and
# the directed tests of tests/rtl/machine.c, and adds up what all of them have run. At least 98 % of the lines that can run must
# have, but for those that scripts/coverage.waivers names; a waiver of a line that has run, or of none, is an error. FOLDER
# keeps the counts (FOLDER/*.dat), and a later call adds to them. COUNT: programs for each configuration (default 250).
# CONFIGS: random configurations (default 3).
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:-build/dev}
count=${COUNT:-250}
if [[ -n ${2:-} ]]; then
    mkdir -p "$2"
    folder=$(cd "$2" && pwd)
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
export SYSTOLE_RTL_COVERAGE=$folder
systole=$build/cli/systole

"$systole" fuzz -c tiny --seed 11 --count "$count" --output-dir "$folder"
"$systole" fuzz -c tiny-bf16 --seed 11 --count "$count" --output-dir "$folder"
(( ${CONFIGS:-3} == 0 )) ||
    "$systole" fuzz --configs "${CONFIGS:-3}" --seed 12 --max-dim 8 --count "$count" --output-dir "$folder"
[[ ! -x $build/tests/rtl/machine ]] || "$build/tests/rtl/machine" > "$folder/machine.log" 2>&1 || { cat "$folder/machine.log"; exit 1; }

awk -v waivers=scripts/coverage.waivers -v least=98 '
    function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
    BEGIN {
        FS = "\001"
        while ((getline line < waivers) > 0) {
            if (line !~ /^(#|$)/) {
                at = index(line, " | ")
                file = substr(line, 1, at - 1)
                text = substr(line, at + 3)
                if (at == 0 || !match(text, / [|] [^|]*$/)) { print "coverage: not FILE | LINE | REASON: " line; bad = 1 }
                waived[file "|" trim(substr(text, 1, RSTART - 1))] = 1
            }
        }
    }
    /^C / {
        file = spans = ""
        for (i = 1; i <= NF; i++) {
            key = substr($i, 1, index($i, "\002") - 1)
            value = substr($i, index($i, "\002") + 1)
            if (key == "f") file = value
            if (key == "S") spans = value
        }
        if (!sub(/.*\/rtl\//, "", file) || file ~ /^(harness|gen)\//) next
        hits = $NF
        sub(/.*\047 /, "", hits)
        sub(/\047.*/, "", spans)
        n = split(spans, span, ",")
        for (i = 1; i <= n; i++) {
            last = split(span[i], ends, "-") == 2 ? ends[2] : ends[1]
            for (l = ends[1] + 0; l <= last + 0; l++) hit[file, l] += hits
        }
    }
    END {
        for (at in hit) {
            split(at, place, SUBSEP)
            files[place[1]] = 1
        }
        n_files = 0
        for (file in files) sorted[++n_files] = file
        for (i = 2; i <= n_files; i++)
            for (k = i; k > 1 && sorted[k - 1] > sorted[k]; k--) {
                swap = sorted[k]; sorted[k] = sorted[k - 1]; sorted[k - 1] = swap
            }
        printf "%-24s %8s %8s %8s %9s\n", "module", "lines", "run", "waived", "percent"
        for (i = 1; i <= n_files; i++) {
            file = sorted[i]
            lines = run = exempt = 0
            for (l = 1; (getline text < ("rtl/" file)) > 0; l++) {
                key = file "|" trim(text)
                if (key in waived) found[key] = 1
                if (!((file, l) in hit)) continue
                lines++
                if (hit[file, l] > 0) {
                    run++
                    if (key in waived && !(key in missed)) reached[key] = 1
                } else if (key in waived) {
                    exempt++
                    missed[key] = 1
                    delete reached[key]
                } else {
                    open_lines = open_lines "    rtl/" file ":" l ": " trim(text) "\n"
                }
            }
            close("rtl/" file)
            printf "%-24s %8d %8d %8d %9.2f\n", file, lines, run, exempt, 100 * run / (lines - exempt > 0 ? lines - exempt : 1)
            all_lines += lines; all_run += run; all_exempt += exempt
        }
        share = 100 * all_run / (all_lines - all_exempt > 0 ? all_lines - all_exempt : 1)
        printf "%-24s %8d %8d %8d %9.2f\n", "all", all_lines, all_run, all_exempt, share
        if (open_lines != "") printf "not run:\n%s", open_lines
        for (key in waived) {
            if (!(key in found)) { print "coverage: no such line is waived: " key; bad = 1 }
            else if (key in reached) { print "coverage: a line that has run is waived: " key; bad = 1 }
        }
        if (all_lines == 0) { print "coverage: nothing was counted"; bad = 1 }
        if (share < least) { print "coverage: below " least " %"; bad = 1 }
        exit bad
    }' "$folder"/*.dat
