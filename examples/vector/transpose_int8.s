# transpose_int8.s -- A (8 x 16) becomes its transpose (16 x 8), int8: one command.
#
# A lies in [block of 4 columns][row], its transpose in [block of 4 rows of A][column of A]. The transposer takes D = 4 rows after the other:
# row i of a square of A becomes lane i of the rows that leave it. Loop 0 is a square, loop 1 goes along A's columns, loop 2 down its rows.
#
# T = 32 rows, one per cycle; the transposer's D cycles lie within the alignment of the operands (timing.md, section 6), so the command ends W = D +
# pipeline.vpu_stages = 36 cycles after its last row, as any other: T + W = 68 cycles from start to end.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    Y, 0x1000
_start:
                ld.setf addr_lo=X, n0=128, n1=1, n2=1, n3=1, hi0=128, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=32, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                vpu.setf n0=4, n1=4, n2=2, n3=1
                vpu.setf a_base=0, a_s0=1, a_s1=8, a_s2=4
                vpu.setf chain_in = a_src:spm | transpose
                vpu.setf chain_out = out:spm, o_lo=-128, o_hi=127
                vpu.setf o_base=256, o_s0=1, o_s1=4, o_s2=16
                vpu.vec x0
                core.fence

                st.setf addr_lo=Y, n0=128, n1=1, n2=1, n3=1, hi0=128, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=32, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                # element 16 * row + column, less 64
                .dram   X
                .byte    -64,  -63,  -62,  -61,  -48,  -47,  -46,  -45,  -32,  -31,  -30,  -29,  -16,  -15,  -14,  -13
                .byte      0,    1,    2,    3,   16,   17,   18,   19,   32,   33,   34,   35,   48,   49,   50,   51
                .byte    -60,  -59,  -58,  -57,  -44,  -43,  -42,  -41,  -28,  -27,  -26,  -25,  -12,  -11,  -10,   -9
                .byte      4,    5,    6,    7,   20,   21,   22,   23,   36,   37,   38,   39,   52,   53,   54,   55
                .byte    -56,  -55,  -54,  -53,  -40,  -39,  -38,  -37,  -24,  -23,  -22,  -21,   -8,   -7,   -6,   -5
                .byte      8,    9,   10,   11,   24,   25,   26,   27,   40,   41,   42,   43,   56,   57,   58,   59
                .byte    -52,  -51,  -50,  -49,  -36,  -35,  -34,  -33,  -20,  -19,  -18,  -17,   -4,   -3,   -2,   -1
                .byte     12,   13,   14,   15,   28,   29,   30,   31,   44,   45,   46,   47,   60,   61,   62,   63
