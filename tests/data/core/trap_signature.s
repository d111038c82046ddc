# trap_signature.s -- traps as riscv-arch-test notes them: a handler entered through a table of jumps, registers kept at mscratch,
# four words in the signature for each trap, mepc moved past the instruction; ends with a store of 1 to tohost in a loop.
#
# SPDX-License-Identifier: Apache-2.0
_start:         la      t1, save_area
                csrrw   t3, mscratch, t1
                la      t4, trampoline
                csrr    t3, mtvec
                andi    t2, t3, 3
                or      t2, t4, t2
                csrw    mtvec, t2
                csrr    t5, mtvec
                beq     t5, t2, begin
                j       halt                    # mtvec cannot be written: no traps to see

                .align  6
trampoline:     j       entry
                j       entry + 12
                j       entry + 24
entry:          csrrw   sp, mscratch, sp
                sw      t6, 24(sp)
                jal     t6, common
                csrrw   sp, mscratch, sp
                sw      t6, 24(sp)
                jal     t6, common
                csrrw   sp, mscratch, sp
                sw      t6, 24(sp)
                jal     t6, common
common:         sw      t5, 20(sp)
                csrrw   t5, mscratch, sp        # the old sp; mscratch points to the area again
                sw      t5, 28(sp)
                sw      t4, 16(sp)
                sw      t3, 12(sp)
                sw      t2, 8(sp)
                sw      t1, 4(sp)
                csrr    t5, mcause
                bltz    t5, halt
                csrr    t1, misa                # bit H: none
                slli    t1, t1, 24
                bltz    t1, halt
                la      t3, signature_at
                lw      t1, 0(t3)
                addi    t4, t1, 16
                sw      t4, 0(t3)
                la      t3, entry
                sub     t6, t6, t3
                sw      t6, 0(t1)
                sw      t5, 4(t1)
                csrr    t2, mepc
                la      t3, begin
                sub     t4, t2, t3
                sw      t4, 8(t1)
                andi    t6, t2, -4
                addi    t6, t6, 8
                csrw    mepc, t6
                csrr    t6, mtval
                addi    t2, t5, -2
                beqz    t2, note_value
                li      t4, 0xFB                # addresses, but for an illegal word: to what they lie in
                srl     t4, t4, t5
                andi    t4, t4, 1
                beqz    t4, note_value
                la      t3, begin_signature
                bgeu    t6, t3, relative
                la      t3, begin
relative:       sub     t6, t6, t3
note_value:     sw      t6, 12(t1)
                lw      t1, 4(sp)
                lw      t2, 8(sp)
                lw      t3, 12(sp)
                lw      t4, 16(sp)
                lw      t5, 20(sp)
                lw      t6, 24(sp)
                lw      sp, 28(sp)
                mret

begin:          li      sp, 0x5555              # kept over all traps
                la      s0, data
                ecall
                nop
                ebreak
                nop
                .word   0
                nop
                lw      a0, 1(s0)
                nop
                lw      a0, 2(s0)
                nop
                lh      a0, 3(s0)
                nop
                lhu     a0, 1(s0)
                nop
                sw      a0, 1(s0)
                nop
                sw      a0, 2(s0)
                nop
                sh      a0, 3(s0)
                nop
                la      t0, begin
                jalr    a0, 2(t0)               # misaligned
                nop
                .word   0x0020006F              # jal x0, . + 2
                nop
                .word   0x00000363              # beq x0, x0, . + 6
                nop
                .word   0x00001363              # bne x0, x0, . + 6: not taken, no trap
                la      t0, begin_signature
                sw      sp, 236(t0)
halt:           li      x1, 1
write_tohost:   la      t5, tohost
                sw      x1, 0(t5)
                j       write_tohost

                .data
                .align  6
tohost:         .word   0, 0
signature_at:   .word   begin_signature
save_area:      .zero   64
                .align  4
begin_signature:
data:           .word   0xDEADBEEF
                .zero   236
end_signature:
