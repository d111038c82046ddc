# far.s -- jumps as far as a jal can, forwards and backwards: a program of more than one MiB.
#
# SPDX-License-Identifier: Apache-2.0
_start:         li      a0, 2
forwards:       jal     s0, far                 # forwards + 0xFFFFC
link:           addi    a0, a0, 1
                core.halt zero
back:           la      t0, link
                sub     t0, s0, t0
                slli    t0, t0, 1
                add     a0, a0, t0
                la      t0, tohost
                sw      a0, 0(t0)
hang:           j       hang
                .data
tohost:         .word   0, 0
                .zero   0x100000 - 0x10000 - 8
far:            addi    a0, a0, -1
                nop
                nop
                nop
                j       back                    # . - 0x100000
