#!/usr/bin/env bash
# synth.sh [-s] [-o FILE.md] [CONFIG]... -- synthesises the machine with Yosys and writes what it takes as a Markdown table;
# with -s it only looks at the structure, and writes nothing.
#
# Default: configurations tiny and edge, to docs/reference/synthesis.md. The hierarchy stays, so each module is done once for
# each set of its parameters, and the table is by module. On the way it fails if there is a latch, a net with two
# drivers or with none, a combinational loop (in each module, and over all of them), or if IMEM, DMEM, SPM or ACC do
# not become memories of the FPGA. Minutes for each configuration, which are done side by side.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

output=docs/reference/synthesis.md
structure_only=0
while getopts so: option; do
    case $option in
        s) structure_only=1 ;;
        o) output=$OPTARG ;;
        *) echo "usage: synth.sh [-s] [-o FILE.md] [CONFIG]..." >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
(( $# > 0 )) || set -- tiny edge
command -v yosys > /dev/null || { echo "synth.sh: Yosys is not installed (Debian: yosys)" >&2; exit 77; }
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; rm -rf "$work"' EXIT

family=xc7
files=$(sed -n 's|^[^+].*|rtl/&|p' rtl/systole.f | tr '\n' ' ')
no_latch='select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$_DLATCH* t:$sr t:$_SR_* t:LDCE t:LDPE'

# parameters CONFIG -- keys of configs/CONFIG.ini as parameters of the top module; those it does not have are left out.
parameters() {
    local names
    names=$(sed -n 's/^ *parameter *\(\[[^]]*\]\)\? *\([A-Z0-9_]*\) *=.*/\2/p' rtl/systole.v | tr '\n' ' ')
    awk -F'[][= #]+' -v names=" $names" '
        /^\[/ { section = toupper($2) }
        /^[a-z]/ { key = section "_" toupper($1); value = $2 == "int8" ? 0 : $2 == "bf16" ? 1 : $2
                   if (index(names, " " key " ")) printf " -chparam %s %s", key, value }' "configs/$1.ini"
}

# yosys_run CONFIG STEP SCRIPT
yosys_run() {
    yosys -q -l "$work/$1.$2.log" -p "$3" > "$work/$1.$2.out" 2>&1 && return
    echo "synth.sh: $1: $2: $(grep -m 1 -E 'ERROR|Assert' "$work/$1.$2.out" || tail -n 1 "$work/$1.$2.out")" >&2
    exit 1
}

synthesise() { # CONFIG
    local read
    read="read_verilog -DSYNTHESIS -Irtl/gen $files; hierarchy -check -top systole$(parameters "$1")"
    local target="synth_xilinx -family $family -top systole -noiopad -noclkbuf"
    # Structure: latches, drivers, loops. Bit by bit, because a bus that feeds another part of itself is no loop.
    yosys_run "$1" structure "
        $read
        proc; opt_clean
        $no_latch
        check -assert
        tee -q -o $work/$1.memories stat
        memory -nomap; opt_clean
        flatten; simplemap; opt_clean
        check -assert"
    (( structure_only == 0 )) || return 0
    # The FPGA. As synth_xilinx does it, but for 'share', which takes most of the time and finds nothing here; and arrays with
    # many readers become flip-flops at once: memory_libmap tries all ways to share their ports out, and does not end.
    yosys_run "$1" $family "
        $read
        $target -run begin:coarse
        techmap -map +/cmp2lut.v -map +/cmp2lcu.v -D LUT_WIDTH=6
        alumacc; opt; memory -nomap; opt_clean
        memory_map t:\$mem_v2 r:RD_PORTS>=4 %i
        $target -run map_memory:check
        opt_merge; opt_clean
        $no_latch
        check -assert
        tee -q -o $work/$1.stat stat"
}

# report CONFIG -- the tables, from the statistics of both runs.
report() {
    awk -v config="$1" '
    # $paramod\NAME\PARAMETER=... or $paramod$HASH\NAME
    function base(name,   part) { return split(name, part, /\\/) == 1 ? name : part[2] }
    function lut_memory(type) {                       # LUTs of a memory or shift register made of them
        return type ~ /^SRL|^RAM(32|64)X1S/ ? 1 : type ~ /^RAM(32|64)X1D|^RAM128X1S/ ? 2 : type ~ /^RAM(32M|64M|128X1D|256X1S)$/ ? 4 : \
               type ~ /^RAM(32M16|64M8|512X1S|256X1D)$/ ? 8 : -1
    }
    FNR == 1 { file++ }
    /^=== / { module = $2; if (module == "design") module = ""; if (file == 2 && module != "") modules[++n_modules] = module; next }
    module == "" { next }
    file == 1 && /Number of memory bits:/ { bits[module] = $NF; next }
    file == 2 && NF == 2 && $2 ~ /^[0-9]+$/ { n_cells[module]++; type[module, n_cells[module]] = $1; count[module, n_cells[module]] = $2; seen[$1] = 1 }
    function own(module,   i, t, n, k) {
        for (i = 1; i <= n_cells[module]; i++) {
            t = type[module, i]; n = count[module, i]
            if (t in is_module) continue
            value[module, "cells"] += n
            k = lut_memory(t)
            if (t ~ /^LUT[1-6]$/) value[module, "lut"] += n
            else if (k > 0) value[module, "lutram"] += n * k
            else if (t ~ /^FD[RSCP]E/) value[module, "ff"] += n
            else if (t ~ /^DSP48/) value[module, "dsp"] += n
            else if (t ~ /^RAMB36/) value[module, "bram"] += n
            else if (t ~ /^RAMB18/) value[module, "bram"] += n / 2
            else if (t !~ /^(INV|CARRY4|MUXF[78]|GND|VCC)$/) { print "synth.sh: " config ": " base(module) " has a cell " t > "/dev/stderr"; failed = 1 }
        }
        value[module, "bits"] = bits[module]
    }
    function multiply(module, n,   i) {               # instances of each module
        instances[module] += n
        for (i = 1; i <= n_cells[module]; i++) if (type[module, i] in is_module) multiply(type[module, i], n * count[module, i])
    }
    function whole(module, what,   i, sum) {
        sum = value[module, what]
        for (i = 1; i <= n_cells[module]; i++) if (type[module, i] in is_module) sum += count[module, i] * whole(type[module, i], what)
        return sum
    }
    function row(name, n, array,   i, line) {
        line = "| `" name "` | " n
        for (i = 1; i <= n_columns; i++) line = line " | " (array[name, columns[i]] + 0)
        print line " |"
    }
    function table(title, names, n, array, number,   i) {
        printf "\n| %s | instances | cells | LUT | LUT as memory | FF | DSP | BRAM | memory bits |\n", title
        print "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
        for (i = 1; i <= n; i++) row(names[i], number[names[i]], array)
    }
    # Names in order, so that the page is the same whenever the numbers are.
    function order(names, n,   i, j, t) {
        for (i = 2; i <= n; i++) for (j = i; j > 1 && names[j] < names[j-1]; j--) { t = names[j]; names[j] = names[j-1]; names[j-1] = t }
    }
    function must_be_memory(name) {
        if (by_module[name, "bram"] + by_module[name, "lutram"] == 0 || by_module[name, "bits"] == 0) {
            print "synth.sh: " config ": " name " is not a memory of the FPGA" > "/dev/stderr"; failed = 1
        }
    }
    END {
        n_columns = split("cells lut lutram ff dsp bram bits", columns, " ")
        for (i = 1; i <= n_modules; i++) is_module[modules[i]] = 1
        for (i = 1; i <= n_modules; i++) own(modules[i])
        multiply("systole", 1)
        for (i = 1; i <= n_modules; i++) {
            m = modules[i]; if (!instances[m]) continue
            b = base(m)
            if (!(b in total)) names[++n_names] = b
            total[b] += instances[m]
            for (k = 1; k <= n_columns; k++) by_module[b, columns[k]] += instances[m] * value[m, columns[k]]
        }
        units[1] = "systole"; unit_total["systole"] = 1; n_units = 1
        for (k = 1; k <= n_columns; k++) by_unit["systole", columns[k]] = whole("systole", columns[k])
        for (i = 1; i <= n_cells["systole"]; i++) {
            m = type["systole", i]; if (!(m in is_module)) continue
            b = base(m)
            if (!(b in unit_total)) units[++n_units] = b
            unit_total[b] += count["systole", i]
            for (k = 1; k <= n_columns; k++) by_unit[b, columns[k]] += count["systole", i] * whole(m, columns[k])
        }
        order(names, n_names); units[1] = ""; order(units, n_units); units[1] = "systole"
        printf "\n## %s\n", config
        table("unit, with all that is in it", units, n_units, by_unit, unit_total)
        table("module, without its submodules", names, n_names, by_module, total)
        must_be_memory("tcm"); must_be_memory("spm_bank"); must_be_memory("acc_bank")
        exit failed
    }' "$work/$1.memories" "$work/$1.stat"
}

for config in "$@"; do
    synthesise "$config" &
    pids+=($!)
done
for pid in "${pids[@]}"; do
    wait "$pid"
done
pids=()
(( structure_only == 0 )) || exit 0
{
    cat << END
<!-- GENERATED by scripts/synth.sh -- do not edit.   Regenerate: scripts/synth.sh $* -->
# What the machine takes

Synthesised for a 7-series FPGA of Xilinx (\`synth_xilinx -family $family\`) by $(yosys -V | sed 's/ (.*//'), module by module,
neither packed nor placed. Columns: cells of the FPGA of any kind; look-up tables (LUT), those that serve as memory or as
shift register apart; flip-flops (FF); DSP48E1; BRAM of 36 Kbit (a half: one of 18 Kbit); and the bits of the arrays
as the Verilog has them, whatever becomes of them. In every configuration here there is no latch, no net with two drivers or
with none, and no combinational loop; and IMEM, DMEM (\`tcm\`), SPM and ACC are memories of the FPGA.
END
    for config in "$@"; do
        report "$config"
    done
} > "$work/page"
mkdir -p "$(dirname "$output")"
cp "$work/page" "$output"
echo "synth.sh: wrote $output"
