# bare.sh -- systole run --bare, cosim --bare, asm --bare: verdicts, signatures, refusals, on the simulator (tests/core has both models).
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets work
source "$PWD/tests/include/cli.bash"

# program NAME ADDRESS [LINE...] -- assembles the lines at an address.
program() {
    local name=$1 address=$2
    shift 2
    printf '%s\n' "$@" > "$work/$name.s"
    expect 0 asm "$work/$name.s" --bare "$address" -o "$work/$name.elf"
}
signal=(' la t0, tohost' ' sw gp, 0(t0)' 'hang: j hang' '.data' 'tohost: .word 0, 0')

for address in 0x80000000 0 0x20010000 0xFF800000; do
    program pass "$address" '_start: li gp, 1' "${signal[@]}"
    expect 0 run --bare "$work/pass.elf"
    out "sim: pass: "
done
expect 0 run --bare "$work/pass.elf" --json
out '"pass": true'
out '"tohost": 1'

program test5 0x80000000 '_start: li gp, 11' "${signal[@]}"
expect 1 run --bare "$work/test5.elf"
one_line
err "sim: fail: test 5 failed (tohost = 11)"
expect 1 run --bare "$work/test5.elf" --json
out '"pass": false'

program even 0x80000000 '_start: li gp, 64' "${signal[@]}"
expect 1 run --bare "$work/even.elf"
err "tohost = 0x40, a request that no host serves here"

# The handler of riscv-tests answers an exception it does not know with 1337 in the number: the line says which it was.
program misaligned 0x80000000 '_start: la t0, handler' ' csrw mtvec, t0' ' li t0, 0x80010001' 'here: lw t1, 0(t0)' 'handler: li gp, 1339' "${signal[@]}"
expect 1 run --bare "$work/misaligned.elf"
one_line
err "last exception: 4 (a load from an address that is no multiple of its size) at 0x80000014 (here), mtval 0x80010001"

# Several, one after the other: a line each, and how many have passed.
expect 0 run --bare "$work/pass.elf" "$work/pass.elf"
out "$work/pass.elf: pass: "
out "sim: 2 of 2 programs passed"
expect 1 run --bare "$work/test5.elf" "$work/pass.elf" README.md
out "sim: 1 of 3 programs passed"
err "test5.elf: sim: fail: test 5 failed"
err "not an ELF file"
expect 1 run --bare "$work/test5.elf" "$work/pass.elf" --json
[[ $(head -c 1 "$work/out") == '[' && $(grep -c '"program": ' "$work/out") == 2 ]] || fail "not an array: $(cat "$work/out")"
expect 2 run --bare "$work/pass.elf" "$work/pass.elf" --signature "$work/signature"

# No signal.
program loop 0x80000000 '_start: nop' 'here: j here' '.data' 'tohost: .word 0'
expect 1 run --bare "$work/loop.elf"
err "it never stored to tohost: it jumps to itself at 0x80000004 (here)"
program long 0x80000000 '_start: nop' ' j _start' '.data' 'tohost: .word 0'
expect 1 run --bare "$work/long.elf" --max-cycles 5000
one_line
err "it never stored to tohost: --max-cycles raises the limit, 5000 cycles"
program trap 0x80000000 '_start: ebreak' '.data' 'tohost: .word 0'
expect 1 run --bare "$work/trap.elf"
err "error TRAP of the core: exception 3"

# Signatures, of programs with and without tohost.
words=('begin_signature: .word 0xDEADBEEF, 1, 0' 'end_signature: .word 5')
program signature 0x80000000 '_start: la t0, begin_signature' ' li t1, 0x12345678' ' sw t1, 8(t0)' 'here: j here' '.data' "${words[@]}"
expect 0 run --bare "$work/signature.elf" --signature "$work/signature"
out "pass: in a jump to itself at "
printf 'deadbeef\n00000001\n12345678\n' | diff - "$work/signature"
program ecall 0x80000000 '_start: la t0, begin_signature' ' sh t0, 2(t0)' ' ecall' '.data' "${words[@]}"
expect 0 run --bare "$work/ecall.elf" --signature "$work/signature"
printf '0000beef\n00000001\n00000000\n' | diff - "$work/signature"
program halt 0x80000000 '_start: core.halt zero' '.data' "${words[@]}"
expect 0 run --bare "$work/halt.elf" --signature "$work/signature"
program halt3 0x80000000 '_start: li a0, 3' ' core.halt a0'
expect 1 run --bare "$work/halt3.elf"
expect 1 run --bare "$work/halt3.elf" --signature "$work/none"
err "no symbols begin_signature and end_signature"

# The machine's own map, and what is refused.
printf '_start: la t0, tohost\n li gp, 1\n sw gp, 0(t0)\n tohost:\n .data\n .word 0\n' > "$work/own.s"
expect 0 asm "$work/own.s" -o "$work/own.elf"
expect 1 run --bare "$work/own.elf"
err "tohost is at "
program far 0x80000000 '_start: nop' "${signal[@]}"
expect 1 run --bare "$work/far.elf" -c tiny
one_line
err "expected within one window of 0x4000 bytes"
expect 1 run --bare README.md
one_line
err "not an ELF file"
expect 1 run --bare "$work/missing.elf"
one_line
expect 2 run --bare "$work/pass.elf" --device cpu
expect 2 run "$work/pass.elf" --signature "$work/x"
expect 2 asm "$work/far.s" --bare 0x80000000 -c tiny
expect 1 asm "$work/far.s" --bare 0x80000002 -o "$work/odd.elf"
one_line
