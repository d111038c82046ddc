# layernorm_int8.s -- layer normalisation over the 4 channels of 64 positions, int8: three commands of full length.
#
# A row of the scratchpad is a position: with D channels scale and bias lie in row registers for the whole command. (More channels: the
# first two commands have a loop over blocks inside, as in softmax, and the third is cut by block, each part behind a ROWS.)
#
#     1  m = sum of x / 4                        -> ACC
#     2  d = x - m                               -> ACC;  r = rsqrt(sum of d * d / 4 + epsilon) -> ACC
#     3  y = d * r * scale + bias                -> SPM
#
# x has the scale 1/16 (so epsilon becomes 256 epsilon; its zero point does not matter), y 1/32 and the zero point 0: scale and bias are 32
# times the real ones.
#
# Each reads T = 64 rows and ends W = D + pipeline.vpu_stages = 36 cycles after its last; each starts in the cycle after the end of the one
# before, whose last result it needs: 3 * (T + W) = 300 cycles from the first start to the last end. ROWS, 8 rows, goes before them.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    CONSTANTS, 0x0800
                .equ    Y, 0x1000
_start:
                ld.setf addr_lo=X, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=64, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                ld.setf addr_lo=CONSTANTS, n0=32, n1=1, n2=1, n3=1, hi0=32, hi1=1, hi2=1, hi3=1
                ld.setf row_base=512, m0=8, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                # row registers 3 and 4: mul2, add2
                vpu.setf a_base=512, rows = first:3 | count:2
                vpu.rows x0

                vpu.setf n0=1, n1=64, n2=1, n3=1
                vpu.setf a_base=0, a_s0=64, a_s1=1
                vpu.setf chain_in = a_src:spm, chain_fp = 0
                vpu.setf chain_out = red:sum | red_src:int | red_loops:one | red_lanes | red_out:f32
                vpu.setf r_base=64, r_s1=1, r_mul=0.25
                vpu.vec x0

                vpu.setf chain_in = a_src:spm | b_src:acc_f32, b_base=64, b_s0=0, b_s1=1, b_scale=-1.0
                vpu.setf chain_fp = add1:b
                vpu.setf chain_out = out:f32 | red:sumsq | red_src:fp | red_loops:one | red_lanes | red_fn:rsqrt | red_out:f32
                vpu.setf o_base=0, o_s0=64, o_s1=1, r_base=128, r_add=0.00256
                vpu.vec x0

                vpu.setf chain_in = a_src:acc_f32 | b_src:acc_f32, b_base=128, b_scale=1.0
                vpu.setf chain_fp = mul1:b | mul2:row | add2:row
                vpu.setf chain_out = out:spm, o_zero=0, o_lo=-128, o_hi=127
                vpu.setf o_base=256
                vpu.vec x0
                core.fence

                st.setf addr_lo=Y, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                .dram   CONSTANTS
                .float  32, 24, -48, 64          # scale
                .float  0, 16, -8, 32          # bias
                # a constant position, large differences, one dominant channel, tiny values, an offset of 1000 (int8: clamped), noise
                .dram   X
                .byte     24,   24,   24,   24,  127, -128,  127, -128, -128, -128, -128,  127,    0,    0,    0,    0
                .byte    127,  127,  127,  127,  122,  -46,  -16,    2,   43,  -21,   55,  -38,   13,  -25,    8,  -33
                .byte    -77,   52,   15,  -27,   10,   48,  -47,   -5,   26,   25,  -16, -101,   60,   16,    1,  -13
                .byte     13,  -20,  -49,  -36,  -29,  -29,  -56,   31,  -63,   32,  -49,   17,   66,   10,  -35,    2
                .byte      7,  -83,  -29,    8,  -23,    4,   35,   37,   43,   28,  -14,   -1,  -13,  -15,   -9,  -83
                .byte    -16,   -1,  -47,   -1,   25,   -8,  100, -125,  -10,  -88,   47,  127, -120,    6,   25,  -15
                .byte     26, -108,   41,   18,    1,  -28,   31,  -23,   11,  -24, -108,   -2,   10,   36,  -42,   -2
                .byte     30,    7,   60,   96,  -44,  -92,   41,   73,   44,   39,  -30,  -34,   43,  -44,  -87,  -48
                .byte    120,   92,  -33,  -35,   11,  -36,   63,   -4,  -52,   63,  -28,   11,   -1,  -15,   16,  -33
                .byte    -89, -106,  -61,  -36,   -1,    3,   27,    6,  -38,  -34, -102,   -8,   23,   25,   -6,   -8
                .byte     45,    1,   35,   28,   10,   63,  -27,  -17,  -39,  -38,   75,   84,    1,   27,   56,   39
                .byte     58,  -61,  -31,   22,   69,    5,  -41,  -17,  -32,  -41,   72,  -30,    1,  104,   57,   16
                .byte    -29,   20,   78,   30,   61,    5,   25,  -10,   20,   62,  -69,   -3,   12,  -27,  -15,   38
                .byte     96,   30,   16,  -74,   93,    4,   -2,  -54,   -3,  -53,    3,   22,    1,   13,  -41,   69
                .byte    -31,  -87,   -9,  -37,  -48,  -17,   14,  -57,   -7,   68,   33,   -7,    6,   -6,   -2,   35
                .byte     -4, -115,   -1,  -43,   31,  -29,    7,  105,  -50,  -54,  -68, -115,  -90,   17,  -31,  -90
