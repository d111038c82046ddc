# argmax_int8.s -- the channel of the largest of 16, for 16 positions, int8: one command.
#
# A row of the scratchpad is a block of D = 4 channels; row 16 * block + position.
# The place of a maximum is row * D + lane within what is reduced, which is the channel; of equal ones the first.
#
# T = 64 rows are read in T cycles, the last result is written W = D + pipeline.vpu_stages = 36 cycles after the last row: T + W = 100 cycles
# from start to end.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    Y, 0x1000
_start:
                ld.setf addr_lo=X, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=64, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                vpu.setf n0=4, n1=16, n2=1, n3=1
                vpu.setf a_base=0, a_s0=16, a_s1=1
                vpu.setf chain_in = a_src:spm
                vpu.setf chain_out = red:max | red_src:int | red_loops:one | red_lanes | red_index | red_out:i32
                vpu.setf r_base=0, r_s1=1, r_mul=1.0, r_lo=0, r_hi=65535
                vpu.vec x0
                core.fence

                # int32, the same in each lane of an ACC row
                st.setf addr_lo=Y, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=0, m0=16, m1=1, m2=1, m3=1, t0=1, flags=acc
                st.store x0
                core.fence
                core.halt x0

                # all equal, alternating, the last, tiny values, near 1000 (int8: clamped, all equal), noise
                .dram   X
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,    6,    5,   34,  -48,  -10,   50,  -19,   21,    9,  -11,    8,  -18
                .byte     -5,   77,   -5,   22,   10,   -9,    6,   -5,  -17,   23,   35,   51,  -18,  -59,   11,   15
                .byte     57,   -6,   -4,  -34,   27,   34,  -43,   30,  -22,  -27,  -17,   42,   19,   43,    6,  -31
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,  -40,  -45,  -18,  -19,   37,   -8,   26,  -36,   21,    0,    7,  -88
                .byte    -12,  -36,   35,   29,    7,   24,   31,  -22,  -28,  -45,   17,   30,    0,   28,  -19,   -3
                .byte     15,   43,   17,   14,   28,  -19,  -48,  -24,   27,   19,   10,  -50,  -87,    6,   39,   10
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,   12,    9,    1,  -22,   32,    6,  -51,   21,   37,    1,  -57,    3
                .byte     49,   27,  -18,  -53,  -48,   46,    4,   35,    6,  -42,   25,   25,  -10,   18,   51,   -8
                .byte     -6,    5,  -46,   34,  -20,   11,  -11,  -65,  -17,  -18,  -31,   16,   30,   47,   36,  -14
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128,  127,    0,    0,    0,    0
                .byte    127,  127,  127,  127,  -14,   30,   24,    3,  -29,   41,  -22,   -5,   15,   34,  -35,   50
                .byte    -21,  -22,  -26,   19,  -53,  -11,    1,  -46,   18,  -16,   10,   25,   66,   49,   25,   19
                .byte    -13,  -35,  -24,  -26,    7,  -49,   29,  -39,  -24,  -23,  -33,  -66,   34,   25,  -49,  -13
