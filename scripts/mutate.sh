#!/usr/bin/env bash
# mutate.sh [--check] [-o FOLDER] [NAME...] -- plants the faults of scripts/mutations.txt, one at a time, and runs the default
# tests that can see them, the fast ones first, up to the first that fails: caught, or survived.
#
# The slow tests (random configurations, each a build of its own) run last, on what is left. It works on a copy of the sources in FOLDER (default: /tmp/systole-mutate); what is there already is not done again, as long
# as neither the fault nor its file has changed. At least 95 % must be caught; one that nothing can see says why in the table.
# --check only looks whether each fault can be planted.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

table=$PWD/scripts/mutations.txt
folder=/tmp/systole-mutate
check=
while [[ ${1:-} == -* ]]; do
    case $1 in
        --check) check=1; shift ;;
        -o) folder=$2; shift 2 ;;
        *) echo "mutate: '$1': expected --check, -o FOLDER or names" >&2; exit 2 ;;
    esac
done

names=() files=() froms=() tos=() texts=() excuses=()
while IFS= read -r line; do
    [[ $line == '#'* || -z $line ]] && continue
    fields=()
    while [[ $line == *' ;; '* ]]; do
        fields+=("${line%%' ;; '*}")
        line=${line#*' ;; '}
    done
    fields+=("$line")
    (( ${#fields[@]} == 5 || ${#fields[@]} == 6 )) || { echo "mutate: ${#fields[@]} fields: ${fields[*]}"; exit 1; }
    names+=("${fields[0]}") files+=("${fields[1]}") froms+=("${fields[2]}") tos+=("${fields[3]}") texts+=("${fields[4]}")
    excuses+=("${fields[5]:-}")
done < "$table"

bad=0
for i in "${!names[@]}"; do
    n=$(grep -c -F -e "${froms[i]}" "${files[i]}" || true)
    if [[ $n != 1 ]]; then
        echo "mutate: ${names[i]}: its text is on ${n:-0} lines of ${files[i]}, expected 1: ${froms[i]}"
        bad=1
    fi
    [[ -z ${excuses[i]} || ${excuses[i]} == 'EQUIVALENT: '?* ]] || { echo "mutate: ${names[i]}: no reason: ${excuses[i]}"; bad=1; }
done
[[ $(printf '%s\n' "${names[@]}" | sort | uniq -d) == '' ]] || { echo "mutate: a name twice"; bad=1; }
(( ${#names[@]} >= 50 )) || { echo "mutate: only ${#names[@]} faults"; bad=1; }
(( bad == 0 )) || exit 1
if [[ -n $check ]]; then
    echo "mutate: ${#names[@]} faults"
    exit 0
fi

# ---- the copy
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
src=$folder/src build=$folder/build results=$folder/results.txt
touch "$results"
git ls-files -co --exclude-standard | while IFS= read -r file; do
    if [[ -f $file ]] && ! cmp -s "$file" "$src/$file"; then
        mkdir -p "$src/$(dirname "$file")"
        cp "$file" "$src/$file"
    fi
done
[[ -f $build/build.ninja ]] || cmake -S "$src" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O1 > "$folder/cmake.log"

# Programs of the default tests that run the simulator, the fast ones first.
tests=(timing/queue timing/mxu timing/vpu timing/dma timing/ends timing/ahead isa/core unit/fn unit/sim_machine unit/sim_dram timing/tick)
later=(unit/sim_kernels timing/fuzz_kinds)
targets=()
for t in "${tests[@]}"; do targets+=("test_${t/\//_}"); done
compile() { ninja -C "$build" "$@" > "$folder/ninja.log" 2>&1; }
compile cli/systole "${targets[@]}" || { tail -n 20 "$folder/ninja.log"; exit 1; }
# The program without a fault; in a folder like that of a build, for the tests that ask for one.
mkdir -p "$folder/good-build/cli"
cp "$build/cli/systole" "$folder/good-build/cli/systole"
systole=$folder/good-build/cli/systole

# Each test below ends with status 0 if it has seen nothing; a test that hangs has. Seconds of a processor count: others may be using it.
run() { (ulimit -t 300 && timeout 1800 "$@" > "$folder/test.log" 2>&1); }
fuzz_tiny() { run "$1" fuzz -c tiny --seed 2 --count 60 --whole --output-dir "$folder"; }
fuzz_random() { (ulimit -t 600 && timeout 3600 "$1" fuzz --configs 5 --count 42 --max-dim 8 --whole --output-dir "$folder" > "$folder/test.log" 2>&1); }

# Each prints the test that fails, nothing if there is none; "build" if the fault is no program.
simulator_tests() {
    local t
    export SYSTOLE_CACHE=$folder/cache SYSTOLE_RTL_SOURCES=$folder/good
    compile "${targets[@]}" cli/systole || { echo build; return; }
    if [[ $1 == slow ]]; then
        for t in "${later[@]}"; do
            compile "test_${t/\//_}"
            run "$build/tests/$t" || { echo "${t/\//.}"; return; }
        done
        fuzz_random "$build/cli/systole" || echo cosim.fuzz
        return
    fi
    for t in "${tests[@]}"; do
        run "$build/tests/$t" || { echo "${t/\//.}"; return; }
    done
    fuzz_tiny "$build/cli/systole" || echo cosim.fuzz
}
# False if the test that failed could not build its Verilog.
builds() { ! grep -q -e 'cannot build' -e '%Error: Exiting due to' "$folder/test.log"; }
verilog_tests() { # SPEED FILE
    local t
    export SYSTOLE_CACHE=$folder/mutant SYSTOLE_RTL_SOURCES=$src
    cd "$src"
    if [[ $1 == slow ]]; then
        SY_HAVE_VERILATOR=1 run bash tests/cosim/deadlock.sh "$folder/good-build" || { echo cosim.deadlock; return; }
        run "$systole" fuzz -c tiny --seed 99 --count 300 --whole --output-dir "$folder" || { echo cosim.fuzz; return; }
        fuzz_random "$systole" || echo cosim.fuzz
        return
    fi
    rm -rf "$SYSTOLE_CACHE"
    # The bench of a module is built in seconds, the machine is not.
    for t in fp fn array; do
        grep -q -F -e "$2" "tests/rtl/$t.sh" || continue
        run bash "tests/rtl/$t.sh" || { if builds; then echo "rtl.$t"; else echo build; fi; return; }
    done
    fuzz_tiny "$systole" || { if builds; then echo cosim.fuzz; else echo build; fi; return; }
    [[ $2 != rtl/mxu/* ]] || SY_HAVE_VERILATOR=1 run bash tests/cosim/bf16.sh "$folder/good-build" || echo cosim.bf16
}

# plant I SPEED -- what the tests of that speed see of fault I; remembered.
plant() {
    local i=$1 file=${files[$1]} key by
    key=$(sha256sum <<< "${froms[i]} ${tos[i]} $(sha256sum < "$folder/good/$file")" | cut -c1-16)
    by=$(awk -v name="${names[i]}" -v key="$key" -v speed="$2" '$1 == name && $2 == key && $3 == speed { print $4 }' "$results")
    if [[ -z $by ]]; then
        FROM=${froms[i]} TO=${tos[i]} awk 'BEGIN { from = ENVIRON["FROM"]; to = ENVIRON["TO"] }
            { at = index($0, from); if (at) $0 = substr($0, 1, at - 1) to substr($0, at + length(from)); print }' \
            "$folder/good/$file" > "$src/$file"
        if [[ $file == rtl/* ]]; then by=$(verilog_tests "$2" "$file"); else by=$(simulator_tests "$2"); fi
        cp "$folder/good/$file" "$src/$file"
        by=${by:-nothing}
        echo "${names[i]} $key $2 $by" >> "$results"
    fi
    echo "$by"
}

rm -rf "$folder/good" && mkdir -p "$folder/good"
for part in rtl simulator base isa configs; do cp -r "$src/$part" "$folder/good/"; done
# A mutant runs few cycles: less time to compile counts more.
sed -i 's/OPT_FAST=-O2/OPT_FAST=-O1/; s/OPT_GLOBAL=-O2/OPT_GLOBAL=-O1/' "$src/rtl/harness/build.sh"

n_caught=0 n_survived=0 n_excused=0
left=()
judge() { # I BY
    if [[ $2 == build ]]; then
        echo "mutate: ${names[$1]} does not build: see $folder/ninja.log, $folder/test.log"
        exit 1
    fi
    n_caught=$((n_caught + 1))
    echo "caught      ${names[$1]} by $2: ${texts[$1]}"
    [[ -z ${excuses[$1]} ]] || echo "mutate: ${names[$1]} is caught and says that it cannot be"
}
for i in "${!names[@]}"; do
    (( $# == 0 )) || [[ " $* " == *" ${names[i]} "* ]] || continue
    by=$(plant "$i" fast)
    if [[ $by == nothing ]]; then left+=("$i"); else judge "$i" "$by"; fi
done
for i in "${left[@]}"; do
    by=$(plant "$i" slow)
    if [[ $by != nothing ]]; then
        judge "$i" "$by"
    elif [[ -n ${excuses[i]} ]]; then
        n_excused=$((n_excused + 1))
        echo "equivalent  ${names[i]}: ${excuses[i]#EQUIVALENT: }"
    else
        n_survived=$((n_survived + 1))
        echo "SURVIVED    ${names[i]}: ${texts[i]}"
    fi
done
n=$((n_caught + n_survived))
echo "mutate: $n_caught of $n faults caught, $n_survived survived, $n_excused equivalent"
(( n > 0 && 100 * n_caught >= 95 * n ))
