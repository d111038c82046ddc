# deadlock.sh -- a deadlock, an error and a limit are the same on simulator and Verilog: the same cause in the same cycle,
# in the same words.
# timeout: 600
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }

# same NAME TEXT LINE... -- the program ends with TEXT on both, after the name of the device.
same() {
    local name=$1 text=$2 device
    shift 2
    printf '%s\n' "$@" > "$work/$name.s"
    expect 0 asm "$work/$name.s" -c tiny -o "$work/$name.elf"
    for device in sim rtl; do
        timeout 500 "$systole" run "$work/$name.elf" --device $device --max-cycles 5000 > /dev/null 2> "$work/err" && fail "$name: exit status 0"
        grep -v 'note: building' "$work/err" | sed "s/^systole: run: $device: //" > "$work/$device"
        grep -q -F -e "$text" "$work/$device" || fail "$name: '$text' is not in '$(cat "$work/$device")'"
    done
    cmp "$work/sim" "$work/rtl" || fail "$name: $(cat "$work/sim" "$work/rtl")"
    expect 0 cosim "$work/$name.elf" --max-cycles 5000
    out "difference 0"
}

same wait 'semaphore 5' '_start:' '  li a0, 5' '  mxu.wait a0' '  core.fence' '  core.halt zero'
same halted 'and the core has halted' '_start:' '  li a0, 5' '  ld.wait a0' '  core.halt zero'
same push 'deadlock in cycle' '_start:' '  li a0, 3' '  ld.wait a0' 'again: ld.post a0' '  j again'
same ring 'cause: MXU waits for LD, LD waits for MXU; MXU: waits for semaphore 4 (value 0) at pc 0xc (' \
    '_start:' '  li a0, 3' '  li a1, 4' '  ld.wait a0' '  mxu.wait a1' '  ld.post a1' '  mxu.post a0' '  core.fence'
same stolen "the last was taken by MXU's WAIT at pc 0x8 (" \
    '_start:' '  li a0, 3' '  core.sempost a0' '  mxu.wait a0' '  core.fence' '  vpu.wait a0' '  core.halt zero'
same trap 'error TRAP' '_start:' '  ecall'
same semaphore 'error SEM_RANGE of ST command 0 at pc 0x4 ('  '_start:' '  li a0, 32' '  st.post a0' '  core.halt zero'
same field 'error FIELD of VPU command 0 at pc 0x20 (' '_start:' '  vpu.setf n0=1, n1=1, n2=1, n3=1, chain_out=7' '  vpu.vec zero' '  core.halt zero'
same overflow 'error SEM_OVERFLOW of the core' '_start:' '  li a0, 3' '  li a1, 300' 'again: core.sempost a0' '  addi a1, a1, -1' \
    '  bnez a1, again' '  core.halt zero'
same loop 'limit of 5000 cycles' '_start:' '  j _start'
same code 'exit code 9' '_start:' '  li a0, 9' '  core.halt a0'
