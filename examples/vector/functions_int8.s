# functions_int8.s -- GELU, SiLU and HardSwish of 256 values, int8: one command of full length each.
#
#     GELU       y = phi(p * s * sqrt 1/2) * p        p = x - zero, phi(v) = (1 + erf(v)) / 2
#     SiLU       y = sigmoid(p * s) * p
#     HardSwish  y = clip(p * s / 6 + 1/2, 0, 1) * p
#
# x has the scale s = 1/16 and the zero point 3; y has the same scale (else mul1 holds their ratio) and the zero point -100.
#
# x lies in bank 0 of SPM, the results in banks 1, 2 and 3, so the three follow each other without a gap: T = 64 rows each, each starts T
# cycles after the one before, and the last ends W = D + pipeline.vpu_stages = 36 cycles after its last row: 3 * T + W = 228 cycles.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    GELU, 0x1000
                .equ    SILU, 0x1200
                .equ    HARDSWISH, 0x1400
_start:
                ld.setf addr_lo=X, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=64, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                vpu.setf n0=64, n1=1, n2=1, n3=1
                vpu.setf chain_in = a_src:spm, a_base=0, a_s0=1, o_s0=1, a_zero=3
                vpu.setf chain_out = out:spm, o_zero=-100, o_lo=-128, o_hi=127
                vpu.setf chain_fp = mul2:imm | fn:phi | mul3:pre, mul2_imm=0.0441941738, o_base=256
                vpu.vec x0

                vpu.setf chain_fp = mul2:imm | fn:sigmoid | mul3:pre, mul2_imm=0.0625, o_base=512
                vpu.vec x0

                vpu.setf chain_fp = mul2:imm | add2:imm | fn:clip | mul3:pre, mul2_imm=0.0104166667, add2_imm=0.5
                vpu.setf clip_lo=0.0, clip_hi=1.0, o_base=768
                vpu.vec x0
                core.fence

                st.setf addr_lo=GELU, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                st.setf addr_lo=SILU, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=512, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                st.setf addr_lo=HARDSWISH, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=768, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                .dram   X
                .byte   -128, -127, -126, -125, -124, -123, -122, -121, -120, -119, -118, -117, -116, -115, -114, -113
                .byte   -112, -111, -110, -109, -108, -107, -106, -105, -104, -103, -102, -101, -100,  -99,  -98,  -97
                .byte    -96,  -95,  -94,  -93,  -92,  -91,  -90,  -89,  -88,  -87,  -86,  -85,  -84,  -83,  -82,  -81
                .byte    -80,  -79,  -78,  -77,  -76,  -75,  -74,  -73,  -72,  -71,  -70,  -69,  -68,  -67,  -66,  -65
                .byte    -64,  -63,  -62,  -61,  -60,  -59,  -58,  -57,  -56,  -55,  -54,  -53,  -52,  -51,  -50,  -49
                .byte    -48,  -47,  -46,  -45,  -44,  -43,  -42,  -41,  -40,  -39,  -38,  -37,  -36,  -35,  -34,  -33
                .byte    -32,  -31,  -30,  -29,  -28,  -27,  -26,  -25,  -24,  -23,  -22,  -21,  -20,  -19,  -18,  -17
                .byte    -16,  -15,  -14,  -13,  -12,  -11,  -10,   -9,   -8,   -7,   -6,   -5,   -4,   -3,   -2,   -1
                .byte      0,    1,    2,    3,    4,    5,    6,    7,    8,    9,   10,   11,   12,   13,   14,   15
                .byte     16,   17,   18,   19,   20,   21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31
                .byte     32,   33,   34,   35,   36,   37,   38,   39,   40,   41,   42,   43,   44,   45,   46,   47
                .byte     48,   49,   50,   51,   52,   53,   54,   55,   56,   57,   58,   59,   60,   61,   62,   63
                .byte     64,   65,   66,   67,   68,   69,   70,   71,   72,   73,   74,   75,   76,   77,   78,   79
                .byte     80,   81,   82,   83,   84,   85,   86,   87,   88,   89,   90,   91,   92,   93,   94,   95
                .byte     96,   97,   98,   99,  100,  101,  102,  103,  104,  105,  106,  107,  108,  109,  110,  111
                .byte    112,  113,  114,  115,  116,  117,  118,  119,  120,  121,  122,  123,  124,  125,  126,  127
