# wave.sh -- cosim --wave draws the window around a command: the right cycles, and every signal that the save file names.
# timeout: 600
#
# The Verilog has a fault that only a VPU command shows, so one build serves both: equal runs, and one that is
# stopped at a difference, whose window must be whole all the same.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ ${SY_HAVE_VERILATOR:-0} == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }
export SYSTOLE_CACHE=$1/rtl-cache

mkdir "$work/sources"
cp -r rtl simulator base isa configs "$work/sources/"
sed -i 's/\.STAGES(PIPELINE_VPU_STAGES),/.STAGES(PIPELINE_VPU_STAGES + 1),/' "$work/sources/rtl/systole.v"
cmp -s rtl/systole.v "$work/sources/rtl/systole.v" && fail "the fault is not planted"
export SYSTOLE_RTL_SOURCES=$work/sources

# program NAME LAST -- three products, each posted to the core, then one line more.
program() {
    cat > "$work/$1.s" << END
_start:
  li s1, 1
  mxu.setf a_base=0, w_base=512, c_base=0, planes=2, a_plane=1, w_plane=4
  mxu.setf n0=8, n1=1, n2=1, n3=1, a_s0=1, c_s0=1
  vpu.setf n0=8, n1=1, n2=1, n3=1, a_s0=1, o_base=1024, o_s0=1
  vpu.setf chain_in = a_src:acc_i32, chain_fp = mul1:imm, chain_out = 1
  vpu.setf mul1_imm = 0.5, o_lo = -128, o_hi = 127
  li t0, 3
again:
  mxu.matmul s1
  mxu.post s1
  core.semwait s1
  addi t0, t0, -1
  bnez t0, again
  $2
  core.fence
  core.halt zero
END
    expect 0 asm "$work/$1.s" -c tiny -o "$work/$1.elf"
}
program equal nop
program differs 'vpu.vec s1'

# signals FST -- "scope.name[range]" of every signal; times FST -- its times; changes FST NAME -- "time value" of a signal
signals() {
    # awk reads to the end: a reader that leaves early would make fst2vcd fail
    fst2vcd "$1" | awk 'over { next } $1 == "$scope" { at[++n] = $3 } $1 == "$upscope" { n-- }
        $1 == "$var" { path = ""; for (i = 1; i <= n; i++) path = path at[i] "."; print path $5 ($6 == "$end" ? "" : $6) " " $4 }
        $1 == "$enddefinitions" { over = 1 }'
}
times() { fst2vcd "$1" | sed -n 's/^#//p'; }
changes() {
    local id
    id=$(signals "$1" | awk -v name="$2" '$1 == name && !found { print $2; found = 1 }')
    fst2vcd "$1" | awk -v id="$id" '/^#/ { time = substr($0, 2) }
        $1 == "1" id || $1 == "0" id { print time, substr($1, 1, 1) } $2 == id && /^b/ { print time, $1 }'
}

# ---- around a command
expect 0 cosim "$work/equal.elf" --wave 'mxu#1' -o "$work/w.fst"
out "difference 0"
err "MXU command 1 in cycles "
read -r start end from to < <(sed -n 's/.*in cycles \([0-9]*\) to \([0-9]*\): cycles \([0-9]*\) to \([0-9]*\) drawn.*/\1 \2 \3 \4/p' "$work/err")
expect 0 profile "$work/equal.elf" --trace "$work/trace.json"
grep -q "\"number\":1,\"tag\":1,\"start\":$start,\"end\":$end" "$work/trace.json" || fail "not the cycles of the trace: $start to $end"
grep -q "^\*[-0-9.]* ${start}000 ${start}000 ${end}000 -1" "$work/w.gtkw" || fail "no markers: $(sed -n '/^\*/p' "$work/w.gtkw")"
if command -v fst2vcd > /dev/null; then
    signals "$work/w.fst" > "$work/signals"
    grep '^TOP' "$work/w.gtkw" | while read -r name; do
        grep -q -F -e "$name " "$work/signals" || fail "the save file names $name, which is not drawn"
    done
    [[ $(times "$work/w.fst" | head -n 1) == "${from}000" && $(times "$work/w.fst" | tail -n 1) == "${to}500" ]] ||
        fail "drawn $(times "$work/w.fst" | sed -n '1p;$p' | tr '\n' ' '), asked for $from to $to"
    changes "$work/w.fst" TOP.harness.u_wave.mxu.start | grep -x "${start}000 1" > /dev/null || fail "no start in cycle $start"
    changes "$work/w.fst" TOP.harness.u_wave.mxu.done | grep -x "${end}000 1" > /dev/null || fail "no end in cycle $end"
    printf -v cycle '%s' "$(changes "$work/w.fst" 'TOP.harness.u_wave.cycle[63:0]' | awk -v t="${start}000" '$1 == t { print substr($2, 2) }')"
    (( 2#$cycle == start )) || fail "the time axis is not in cycles: $cycle at ${start}000"
else
    echo "gtkwave is not installed: the FST file's contents are not checked"
    [[ -s $work/w.fst ]] || fail "nothing drawn"
fi

# ---- cycles: up to the run's end, however far the window goes
expect 0 cosim "$work/equal.elf" --wave 10:100000 -o "$work/c.fst" --json
[[ -s $work/c.fst && -s $work/c.gtkw ]] || fail "no window from cycle 10"
if command -v fst2vcd > /dev/null; then
    total=$(sed -n 's/.*"cycles": *\([0-9]*\).*/\1/p' "$work/out")
    [[ $(times "$work/c.fst" | head -n 1) == 10000 && $(times "$work/c.fst" | tail -n 1) == "${total}500" ]] ||
        fail "the window from cycle 10 ends at $(times "$work/c.fst" | tail -n 1), the run at $total"
fi

# ---- a bare-metal program
printf '%s\n' '_start: li gp, 1' ' la t0, tohost' ' sw gp, 0(t0)' 'hang: j hang' 'tohost: .word 0, 0' > "$work/bare.s"
expect 0 asm "$work/bare.s" --bare 0 -o "$work/bare.elf"
expect 0 cosim --bare "$work/bare.elf" -c tiny --wave 1:3 -o "$work/b.fst"
out "both: pass: "
err "cycles 1 to 3 drawn"
[[ -s $work/b.fst && -s $work/b.gtkw ]] || fail "no window of a bare-metal program"

# ---- what there is not
expect 1 cosim "$work/equal.elf" --wave MXU#3 -o "$work/n.fst"
err "MXU has no command 3 that ended: 3 did"
[[ ! -e $work/n.fst ]] || fail "a file without a window"
expect 1 cosim "$work/equal.elf" --wave nothing -o "$work/n.fst"
err "no layer 'nothing'"
expect 1 cosim "$work/equal.elf" --wave MXU#0 -o "$work/none/n.fst"
err "$work/none/n.fst"
expect 2 cosim "$work/equal.elf" --wave 20:10
expect 2 cosim "$work/equal.elf" --wave 'LD#x'
expect 2 cosim "$work/equal.elf" -o "$work/n.fst"

# ---- a difference stops the run, not the window
expect 1 cosim "$work/differs.elf" --wave VPU#0 -o "$work/d.fst"
out "VPU command 0 "
to=$(sed -n 's/.*: cycles [0-9]* to \([0-9]*\) drawn.*/\1/p' "$work/err")
[[ -n $to && -s $work/d.gtkw ]] || fail "no window at the difference: $(cat "$work/err")"
if command -v fst2vcd > /dev/null; then
    # The run may end within the margin of 32 cycles, but not before the later of the two ends.
    (( $(times "$work/d.fst" | tail -n 1) >= (to - 32 + 1) * 1000 )) || fail "the window at the difference is cut off"
fi

# ---- a layer
if [[ ${SY_HAVE_LLVM:-0} == 1 ]]; then
    expect 0 profile tests/data/zoo/conv_1x1.onnx -c tiny --json
    layer=$(sed -n 's/.*"layer": *"\([^"]*\)".*/\1/p' "$work/out" | head -n 1)
    expect 1 cosim tests/data/zoo/conv_1x1.onnx -c tiny --wave "$layer" -o "$work/l.fst"
    err "layer '$layer' in cycles"
fi
