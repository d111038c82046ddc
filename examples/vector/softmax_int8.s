# softmax_int8.s -- softmax over the 16 channels of 16 positions, int8: three commands of full length.
#
# A row of the scratchpad is a block of D = 4 channels; row 16 * block + position.
#
#     1  m = maximum over a position's rows and lanes                    -> ACC
#     2  e = exp2((x - m) * (log2 e) / 16)       -> ACC;  r = 256 / sum of e -> ACC
#     3  y = e * r - 128                         -> SPM
#
# x has the scale 1/16, its zero point does not matter; y has the scale 1/256 and the zero point -128.
#
# Each reads T = 64 rows, one per cycle, and ends W = D + pipeline.vpu_stages = 36 cycles after its last row. The second needs the last
# maximum, the third the last sum (timing.md, section 4: the bank is held until it is written), so each starts in the cycle after the
# end of the one before: 3 * (T + W) = 300 cycles from the first start to the last end, of which 192 are BUSY. With more positions 36
# cycles matter less; two tiles at a time hide them (compiler/schedule/attention.c).
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    Y, 0x1000
_start:
                ld.setf addr_lo=X, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=64, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                # loop 0: the 4 blocks of a position, which are reduced; loop 1: positions
                vpu.setf n0=4, n1=16, n2=1, n3=1
                vpu.setf a_base=0, a_s0=16, a_s1=1
                vpu.setf chain_in = a_src:spm, chain_fp = 0
                vpu.setf chain_out = red:max | red_src:int | red_loops:one | red_lanes | red_out:f32
                vpu.setf r_base=64, r_s1=1, r_mul=1.0
                vpu.vec x0

                vpu.setf chain_in = a_src:spm | b_src:acc_f32, b_base=64, b_s0=0, b_s1=1, b_scale=-1.0
                vpu.setf chain_fp = add1:b | mul1:imm | fn:exp2, mul1_imm=0.09016844
                vpu.setf chain_out = out:f32 | red:sum | red_src:fp | red_loops:one | red_lanes | red_fn:recip | red_out:f32
                vpu.setf o_base=0, o_s0=16, o_s1=1, r_base=128, r_mul=0.00390625
                vpu.vec x0

                vpu.setf chain_in = a_src:acc_f32 | b_src:acc_f32, b_base=128, b_scale=1.0
                vpu.setf chain_fp = mul1:b
                vpu.setf chain_out = out:spm, o_zero=-128, o_lo=-128, o_hi=127
                vpu.setf o_base=256
                vpu.vec x0
                core.fence

                st.setf addr_lo=Y, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                # a constant position, large differences, one dominant channel, tiny values, an offset of 1000 (int8: clamped), noise
                .dram   X
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,  -37,   47,   15,  -31,   11,    2,   22,  -12,   39,  -23,    7,   -2
                .byte     24,  -49,  -22,  -18,   71,  -64,   -1,   13,   14,  -22,  -28,  -13,   17,  -43,   15,   -1
                .byte     23,  -26,   -3,   55,   28,    2,   -9,  -18,  -22,   14,  -28,   74,  -53,   27,  -55,   37
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,   35,   11,  -50,   52,   -1,  -68,  -14,   22,    4,   36,   76,  -21
                .byte    -13,   27,    3,  -13,   31,   21,   -9,  -34,   -2,  -21,    0,   24,  -58,    9,   38,  -60
                .byte     14,   -5,  -37,  -25,   -8,   20,   11,  -39,  -16,   38,  -21,   26,  -18,    5,   40,    4
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128, -128,    0,    0,    0,    0
                .byte    127,  127,  127,  127,   11,   29,    6,   -5,   43,  -12,   -4,   51,  -18,   16,  -34,   16
                .byte     17,   51,    0,   12,    3,   33,  -35,  -33,   38,   55,  -25,  -13,   26,    7,   15,   14
                .byte      6,   30,   14,   17,   14,    6,  -32,   25,   71,  -81,  -14,   16,  -45,  -54,   38,   24
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128,  127,    0,    0,    0,    0
                .byte    127,  127,  127,  127,  -50,   31,    1,   -9,  -10,   23,   54,    1,   18,   -9,   17,  -50
                .byte     40,    9,  -41,   80,   -1,  -62,   -8,  -14,  -79,   61,  -23,   -1,   42,   -7,   28,  -13
                .byte     -1,   43,  -13,  -18,   -9,  -11,   25,   42,   -3,  -21,   69,    3,  -26,   28,   16,   21
