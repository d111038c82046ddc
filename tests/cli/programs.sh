# programs.sh -- plain programs: assembled, listed, run; how they end is said in one line, and the exit status says it too.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"

# program NAME [TEXT] -- assembles TEXT (a line each) for tiny.
program() {
    local name=$1
    shift
    printf '%s\n' "$@" > "$work/$name.s"
    expect 0 asm "$work/$name.s" -c tiny -o "$work/$name.elf"
}

program good '_start:' '  li a0, 7' '  core.fence' '  core.halt zero'
expect 0 disasm "$work/good.elf"
out "core.fence"
expect 0 run "$work/good.elf"
out "sim: "
expect 0 info "$work/good.elf"
out "configuration tiny"
expect 1 run "$work/good.elf" -c edge
one_line
expect 1 run "$work/good.elf" --device cpu
one_line

program code '_start:' '  li a0, 3' '  core.halt a0'
expect 1 run "$work/code.elf"
one_line
err "exit code 3"

program trap '_start:' '  ebreak'
expect 1 run "$work/trap.elf"
one_line
err "error TRAP"

program range '_start:' '  vpu.setf n0=1, n1=1, n2=1, n3=1, a_base=100000, chain_in=a_src:spm, chain_out=out:raw' '  vpu.vec zero' '  core.fence' '  core.halt zero'
expect 1 run "$work/range.elf"
one_line
err "error RANGE of VPU command 0"

program wait '_start:' '  li a0, 5' '  mxu.wait a0' '  core.fence' '  core.halt zero'
expect 1 run "$work/wait.elf" --stats "$work/stats.json"
one_line
err "deadlock in cycle"
err "semaphore 5"
grep -q '"end": "deadlock"' "$work/stats.json"

program loop '_start:' '  j _start'
expect 1 run "$work/loop.elf" --max-cycles 1000
one_line
err "limit of 1000 cycles"

# What is no program is refused, with the place.
printf '  mxu.matmul\n' > "$work/bad.s"
expect 1 asm "$work/bad.s" -o "$work/bad.elf"
err "bad.s:1:"
[[ ! -e $work/bad.elf ]]
expect 1 asm "$work/missing.s" -o "$work/bad.elf"
one_line

# The vector kernels against the portable ones, over random programs.
expect 0 fuzz --portable --configs 3 --count 20
out "difference 0: 60 programs on 3 configurations"
expect 0 fuzz --portable -c tiny --count 20 --seed 9 --json
out '"different": 0'
