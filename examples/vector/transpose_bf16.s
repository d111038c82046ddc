# transpose_bf16.s -- A (8 x 16) becomes its transpose (16 x 8), bf16: one command.
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
                ld.setf addr_lo=X, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                ld.setf row_base=0, m0=32, m1=1, m2=1, m3=1, t0=1
                ld.load x0
                core.fence

                vpu.setf n0=4, n1=4, n2=2, n3=1
                vpu.setf a_base=0, a_s0=1, a_s1=8, a_s2=4
                vpu.setf chain_in = a_src:spm | transpose
                vpu.setf chain_out = out:spm
                vpu.setf o_base=256, o_s0=1, o_s1=4, o_s2=16
                vpu.vec x0
                core.fence

                st.setf addr_lo=Y, n0=256, n1=1, n2=1, n3=1, hi0=256, hi1=1, hi2=1, hi3=1
                st.setf row_base=256, m0=32, m1=1, m2=1, m3=1, t0=1
                st.store x0
                core.fence
                core.halt x0

                # element 16 * row + column
                .dram   X
                .half   0x0000, 0x3f80, 0x4000, 0x4040, 0x4180, 0x4188, 0x4190, 0x4198, 0x4200, 0x4204, 0x4208, 0x420c, 0x4240, 0x4244, 0x4248, 0x424c
                .half   0x4280, 0x4282, 0x4284, 0x4286, 0x42a0, 0x42a2, 0x42a4, 0x42a6, 0x42c0, 0x42c2, 0x42c4, 0x42c6, 0x42e0, 0x42e2, 0x42e4, 0x42e6
                .half   0x4080, 0x40a0, 0x40c0, 0x40e0, 0x41a0, 0x41a8, 0x41b0, 0x41b8, 0x4210, 0x4214, 0x4218, 0x421c, 0x4250, 0x4254, 0x4258, 0x425c
                .half   0x4288, 0x428a, 0x428c, 0x428e, 0x42a8, 0x42aa, 0x42ac, 0x42ae, 0x42c8, 0x42ca, 0x42cc, 0x42ce, 0x42e8, 0x42ea, 0x42ec, 0x42ee
                .half   0x4100, 0x4110, 0x4120, 0x4130, 0x41c0, 0x41c8, 0x41d0, 0x41d8, 0x4220, 0x4224, 0x4228, 0x422c, 0x4260, 0x4264, 0x4268, 0x426c
                .half   0x4290, 0x4292, 0x4294, 0x4296, 0x42b0, 0x42b2, 0x42b4, 0x42b6, 0x42d0, 0x42d2, 0x42d4, 0x42d6, 0x42f0, 0x42f2, 0x42f4, 0x42f6
                .half   0x4140, 0x4150, 0x4160, 0x4170, 0x41e0, 0x41e8, 0x41f0, 0x41f8, 0x4230, 0x4234, 0x4238, 0x423c, 0x4270, 0x4274, 0x4278, 0x427c
                .half   0x4298, 0x429a, 0x429c, 0x429e, 0x42b8, 0x42ba, 0x42bc, 0x42be, 0x42d8, 0x42da, 0x42dc, 0x42de, 0x42f8, 0x42fa, 0x42fc, 0x42fe
