# layernorm_bf16.s -- layer normalisation over the 4 channels of 64 positions, bf16: three commands of full length.
#
# A row of the scratchpad is a position: with D channels scale and bias lie in row registers for the whole command. (More channels: the
# first two commands have a loop over blocks inside, as in softmax, and the third is cut by block, each part behind a ROWS.)
#
#     1  m = sum of x / 4                        -> ACC
#     2  d = x - m                               -> ACC;  r = rsqrt(sum of d * d / 4 + epsilon) -> ACC
#     3  y = d * r * scale + bias                -> SPM
#
# Each reads T = 64 rows and ends W = D + pipeline.vpu_stages = 36 cycles after its last; each starts in the cycle after the end of the one
# before, whose last result it needs: 3 * (T + W) = 300 cycles from the first start to the last end. ROWS, 4 rows, goes before them.
#
# SPDX-License-Identifier: Apache-2.0
                .equ    X, 0x0000
                .equ    CONSTANTS, 0x0800
                .equ    Y, 0x1000
_start:
                ld.setf addr_lo=X, n0=512, n1=1, n2=1, n3=1, hi0=512, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=64, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                ld.setf addr_lo=CONSTANTS, n0=32, n1=1, n2=1, n3=1, hi0=32, hi1=1, hi2=1, hi3=1
                ld.setf row_base=512, m0=4, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                # row registers 3 and 4: mul2, add2
                vpu.setf a_base=512, rows = first:3 | count:2
                vpu.rows x0

                vpu.setf n0=1, n1=64, n2=1, n3=1
                vpu.setf a_base=0, a_s0=64, a_s1=1
                vpu.setf chain_in = a_src:spm, chain_fp = 0
                vpu.setf chain_out = red:sum | red_src:fp | red_loops:one | red_lanes | red_out:f32
                vpu.setf r_base=64, r_s1=1, r_mul=0.25
                vpu.vec x0

                vpu.setf chain_in = a_src:spm | b_src:acc_f32, b_base=64, b_s0=0, b_s1=1, b_scale=-1.0
                vpu.setf chain_fp = add1:b
                vpu.setf chain_out = out:f32 | red:sumsq | red_src:fp | red_loops:one | red_lanes | red_fn:rsqrt | red_out:f32
                vpu.setf o_base=0, o_s0=64, o_s1=1, r_base=128, r_add=1e-05
                vpu.vec x0

                vpu.setf chain_in = a_src:acc_f32 | b_src:acc_f32, b_base=128, b_scale=1.0
                vpu.setf chain_fp = mul1:b | mul2:row | add2:row
                vpu.setf chain_out = out:spm
                vpu.setf o_base=256
                vpu.vec x0
                core.fence

                st.setf addr_lo=Y, n0=512, n1=1, n2=1, n3=1, hi0=512, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=64, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                .dram   CONSTANTS
                .float  1, 0.75, -1.5, 2          # scale
                .float  0, 0.5, -0.25, 1          # bias
                # a constant position, large differences, one dominant channel, tiny values, an offset of 1000 (int8: clamped), noise
                .dram   X
                .half   0x3fc0, 0x3fc0, 0x3fc0, 0x3fc0, 0x4348, 0xc348, 0x4348, 0xc348, 0xc1f0, 0xc1f0, 0xc1f0, 0x4220, 0xba69, 0x3acd, 0x3a82, 0xb93a
                .half   0x4478, 0x447b, 0x447a, 0x4479, 0x3f99, 0x3f9d, 0x4090, 0xc044, 0x405a, 0x408f, 0x408b, 0xbf0b, 0xc00f, 0x4044, 0x3eb1, 0x3ebf
                .half   0x4089, 0xbf4a, 0xc0dc, 0xbf95, 0xc0b2, 0x401d, 0x3f73, 0xbfeb, 0xbcec, 0x4020, 0x3e73, 0x407f, 0xbe3c, 0x4048, 0x408f, 0x409b
                .half   0xc001, 0x4029, 0xc0b4, 0xc050, 0xc0bc, 0x404d, 0xc06d, 0xbd1d, 0xbf14, 0xbdb0, 0xbfe3, 0x3f33, 0x40ac, 0x3e08, 0x3fcc, 0x4040
                .half   0xbf18, 0xc072, 0xbfd5, 0x404e, 0xc09e, 0xbfe6, 0x4041, 0x4018, 0x3cbb, 0x401b, 0x3eff, 0xc062, 0xc096, 0xbff5, 0x4031, 0xbfd9
                .half   0xc02d, 0xc014, 0xc093, 0xbeb4, 0xc062, 0x3f8c, 0xc0e3, 0x3f7c, 0xbff6, 0xc0ba, 0x400b, 0xbf54, 0xc0d6, 0xc028, 0x3f60, 0xbfb0
                .half   0x4016, 0x4010, 0x4000, 0x3f7b, 0x4080, 0x3ffd, 0x3fad, 0xc0c8, 0x402c, 0x407b, 0xbf64, 0xbfb4, 0x40ba, 0xc0a9, 0x3fb4, 0x40e9
                .half   0xc032, 0x4004, 0x40b5, 0xbeb9, 0x3fd7, 0x402d, 0xc02e, 0xbe89, 0x3f61, 0x401e, 0xbdd4, 0xbf16, 0xc043, 0xbf8a, 0x402b, 0x3e9c
                .half   0xc024, 0xc022, 0x4100, 0x405b, 0x3ff5, 0xc0f9, 0x3fef, 0x3fb9, 0x40a2, 0x3fa4, 0xbe4f, 0x3fc9, 0xc0bb, 0x4046, 0x3f7a, 0xc007
                .half   0x407f, 0x40ae, 0xc087, 0xc000, 0x3f60, 0x3f0d, 0xbf99, 0xc03b, 0x40cc, 0x4047, 0xc065, 0xc081, 0x40a4, 0x403e, 0x40af, 0x401c
                .half   0xc027, 0x3f48, 0xc0cf, 0xc010, 0xbe35, 0x3fc9, 0xc00c, 0xbebf, 0x3fb0, 0x3f91, 0x3ff5, 0x3f20, 0xbf79, 0x4018, 0x3e18, 0xc01f
                .half   0xbff0, 0xba89, 0xbea8, 0x3ef1, 0xbac3, 0x3f07, 0xbece, 0xc072, 0x3fa2, 0x404a, 0x3fa7, 0xbf11, 0x3fab, 0xc039, 0xc0b6, 0x3e37
                .half   0xc033, 0x400e, 0xc050, 0xc0fc, 0xc048, 0x4097, 0xbf93, 0xc083, 0xc013, 0x3fc8, 0x3fbf, 0x3f08, 0x408e, 0x4008, 0xbd81, 0x3fe5
                .half   0x409f, 0x403a, 0x4045, 0xc050, 0xbee4, 0x400c, 0xbf64, 0x404d, 0x3fe5, 0x402e, 0xbf23, 0x40f4, 0x406e, 0xbf25, 0x3e8b, 0x40f9
                .half   0xbf84, 0x4028, 0x403c, 0x3ca2, 0xc060, 0x3f10, 0x3f8a, 0x4059, 0x4016, 0x3d96, 0x4024, 0x3fcf, 0x3f1e, 0x3e2a, 0xbf3b, 0x4004
                .half   0xc04a, 0xbff1, 0x3c74, 0xc08d, 0xbfa7, 0xc0c1, 0xc003, 0x3fda, 0x3fd9, 0xbe27, 0xbf32, 0xc088, 0x40af, 0x3fc6, 0x4052, 0xc029
