# start_up.s -- begins and ends as the programs of riscv-tests do: tries registers that a core may not have, each behind a
# handler that goes on; goes to user mode, where there is none; tests; signals through an ecall whose handler stores to tohost.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    no_handler, 0
_start:         j       reset
                .align  2
trap_vector:    csrr    t5, mcause
                li      t6, 8                   # ecall from user mode
                beq     t5, t6, write_tohost
                li      t6, 9                   # from supervisor mode
                beq     t5, t6, write_tohost
                li      t6, 11                  # from machine mode
                beq     t5, t6, write_tohost
                la      t5, no_handler          # a weak symbol in C: 0 if there is none
                beqz    t5, no_hook
                jr      t5
no_hook:        csrr    t5, mcause
                bgez    t5, unexpected
                j       unexpected
unexpected:     ori     gp, gp, 1337
write_tohost:   la      t5, tohost
                sw      gp, 0(t5)
                sw      zero, 4(t5)
                j       write_tohost

reset:          li      x1, 0
                li      x2, 0
                li      x3, 0
                li      x31, 0
                csrr    a0, mhartid
only_hart_0:    bnez    a0, only_hart_0
                la      t0, no_rnmi
                csrw    mtvec, t0
                csrwi   0x744, 8                # mnstatus
                .align  2
no_rnmi:        la      t0, no_satp
                csrw    mtvec, t0
                csrwi   0x180, 0                # satp
                .align  2
no_satp:        la      t0, no_pmp
                csrw    mtvec, t0
                li      t0, 0x7FFFFFFF
                csrw    0x3B0, t0               # pmpaddr0
                li      t0, 0x1F
                csrw    0x3A0, t0               # pmpcfg0
                .align  2
no_pmp:         csrwi   mie, 0                  # must exist: a trap here would come back here
                la      t0, no_delegation
                csrw    mtvec, t0
                csrwi   0x302, 0                # medeleg
                csrwi   0x303, 0                # mideleg
                .align  2
no_delegation:  li      gp, 0
                la      t0, trap_vector
                csrw    mtvec, t0
                li      a0, 1
                slli    a0, a0, 31
                bltz    a0, is_rv32
                li      gp, 1
                ecall
is_rv32:        csrwi   mstatus, 0
                la      t0, test_2
                csrw    mepc, t0
                csrr    a0, mhartid
                mret

test_2:         li      gp, 2                   # mstatus: MPP reads 3, MPIE was set by mret
                csrr    a0, mstatus
                li      a1, 0x1880
                bne     a0, a1, fail
test_3:         li      gp, 3                   # data right behind the code, in one image
                la      t0, numbers
                lw      a0, 0(t0)
                lw      a1, 4(t0)
                add     a0, a0, a1
                lw      a1, 8(t0)
                bne     a0, a1, fail
test_4:         li      gp, 4                   # code written as data, with the fence that other cores need
                la      t0, old
                la      t1, new
                lw      t2, 0(t1)
                lw      t3, 4(t1)
                sw      t2, 0(t0)
                sw      t3, 4(t0)
                fence.i
                li      a0, 0
                jalr    ra, 0(t0)
                li      a1, 444
                bne     a0, a1, fail
test_5:         li      gp, 5                   # the first 2048 bytes of what the file does not define are zero
                la      t0, end
                li      t1, 2048
clear:          lw      a0, 0(t0)
                bnez    a0, fail
                addi    t0, t0, 4
                addi    t1, t1, -4
                bnez    t1, clear
pass:           fence
                li      gp, 1
                li      a7, 93
                li      a0, 0
                ecall
fail:           fence
                beqz    gp, fail
                slli    gp, gp, 1
                ori     gp, gp, 1
                li      a7, 93
                mv      a0, gp
                ecall
                .word   0xC0001073              # unimp

                .data
                .align  6
tohost:         .word   0, 0
                .align  6
fromhost:       .word   0, 0
                .align  4
begin_signature:
numbers:        .word   0x12345678, 0x11111111, 0x23456789
new:            addi    a0, a0, 444
                ret
old:            addi    a0, a0, 111
                .word   0
                .align  4
end_signature:
end:
