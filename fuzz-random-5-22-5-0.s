.entry start
.text
start:
    lui x31, 0x10000
    lui x21, 0x97a4a
    addi x21, x21, -1445
    addi x1, x0, 236
    st.set addr_lo, x21, x1
    addi x5, x0, 10
    lui x23, 0x394da
    addi x23, x23, -564
    st.set row_base, x5, x23
    addi x5, x0, 2
    addi x19, x0, 1
    st.set t2, x5, x19
    lw x30, 340(x31)
    sw x30, 256(x31)
    addi x13, x0, -2
    addi x22, x0, -3
    st.set t0, x13, x22
    st.set lo2, x19, x19
    lw x25, 0(x31)
    st.set lo0, x0, x25
    addi x14, x0, 4
    st.set s3, x14, x0
    st.set m0, x19, x19
    st.set m2, x19, x19
    st.set n0, x14, x19
    st.set n2, x19, x19
    st.set s1, x14, x0
    st.set lo3, x0, x19
    # st.store 0
    st.store x0
    st.post x0
    addi x13, x0, 223
    st.set n0, x13, x5
    lui x21, 0x9b
    addi x21, x21, 551
    st.set addr_lo, x21, x0
    st.set t0, x19, x19
    st.set m0, x25, x19
    st.set m2, x5, x19
    addi x2, x0, 3
    mxu.set n0, x2, x19
    addi x10, x0, 9
    mxu.set c_base, x10, x2
    addi x19, x0, 6
    addi x18, x0, 255
    mxu.set flags, x19, x18
    addi x13, x0, -2
    lui x2, 0x10dfa
    addi x2, x2, 983
    mxu.set a_s2, x13, x2
    csrrs x30, 0xfe7, x0
    sw x30, 260(x31)
    addi x19, x0, 5
    addi x5, x0, 8
    mxu.set a_base, x19, x5
    addi x8, x0, 71
    lw x21, 4(x31)
    mxu.set w_zero, x8, x21
    addi x21, x0, 1
    mxu.set c_s0, x21, x0
    lw x20, 8(x31)
    mxu.set c_s2, x13, x20
    lw x29, 12(x31)
    addi x29, x29, -1
    bne x29, x0, 0xf8
    mxu.set n2, x21, x21
    mxu.set a_s0, x21, x22
    # mxu.matmul_t 0
    mxu.matmul_t x0
    mxu.post x0
    mxu.set c_base, x10, x20
    addi x18, x0, 13
    mxu.set a_base, x18, x0
    addi x18, x0, 3
    mxu.set a_s2, x13, x18
    lw x4, 16(x31)
    addi x20, x0, 32
    mxu.set w_zero, x4, x20
    mxu.wait x0
    addi x6, x0, 127
    mxu.set flags, x0, x6
    # mxu.matmul 4
    mxu.matmul x14
    mxu.post x0
    mxu.post x0
    mxu.set a_s0, x21, x22
    mxu.set a_s2, x13, x18
    # mxu.matmul 0
    mxu.matmul x0
    mxu.post x0
    mxu.post x0
    vpu.set n0, x0, x0
    vpu.set a_base, x14, x0
    addi x17, x0, 51
    vpu.set chain_out, x0, x17
    vpu.set taps, x0, x0
    div x30, x11, x19
    sw x30, 264(x31)
    addi x7, x0, 6
    # vpu.rows 6
    vpu.rows x7
    vpu.post x0
    vpu.set a_base, x5, x0
    addi x8, x0, 36
    vpu.set chain_out, x0, x8
    ld.set lo3, x21, x18
    addi x29, x0, 1
    addi x29, x29, -1
    bne x29, x0, 0x198
    addi x20, x0, 12
    lw x2, 20(x31)
    ld.set lo0, x20, x2
    addi x3, x0, 2
    ld.set t2, x22, x3
    addi x21, x0, 32
    ld.set s3, x21, x14
    addi x25, x0, 1
    ld.set t0, x22, x25
    ld.set m2, x25, x25
    csrrs x30, 0xfd4, x0
    sw x30, 268(x31)
    lui x22, 0xd5
    addi x22, x22, -812
    ld.set addr_lo, x22, x0
    ld.set n0, x21, x25
    ld.set lo2, x0, x25
    ld.set m0, x25, x18
    ld.set n2, x25, x18
    csrrs x30, minstreth, x0
    sw x30, 272(x31)
    ld.set row_base, x14, x5
    ld.set lo1, x0, x25
    div x30, x10, x8
    sw x30, 276(x31)
    # ld.load 0
    ld.load x0
    ld.post x0
    ld.post x0
    ld.set m0, x18, x3
    ld.set n2, x7, x25
    ld.set t2, x25, x13
    addi x20, x0, -5
    ld.set t0, x20, x3
    addi x25, x0, 303
    ld.set s3, x25, x18
    st.set row_base, x14, x0
    addi x1, x0, 1
    st.set t2, x1, x3
    st.set lo2, x0, x1
    addi x16, x0, 223
    st.set lo0, x0, x16
    st.set s3, x0, x14
    addi x5, x0, -1
    st.set lo1, x0, x5
    addi x15, x0, 40
    addi x23, x0, 446
    st.set s1, x15, x23
    # st.store 1
    st.store x1
    st.post x0
    st.post x0
    lui x11, 0x1
    addi x11, x11, -2048
    st.set t2, x11, x5
    st.set m2, x1, x1
    addi x18, x0, 85
    st.set lo0, x0, x18
    lui x17, 0x100
    addi x17, x17, -1
    st.set row_base, x10, x17
    mxu.post x0
    addi x5, x0, 7
    # vpu.rows 7
    vpu.rows x5
    lui x6, 0x5d285
    addi x6, x6, 1134
    ld.set lo1, x6, x1
    addi x4, x0, 133
    st.set s3, x4, x1
    st.set n0, x4, x1
    st.set s1, x0, x4
    addi x24, x0, -1
    st.set lo2, x0, x24
    lui x20, 0x8f
    addi x20, x20, 1743
    ld.set addr_lo, x20, x0
    ld.set lo2, x10, x7
    addi x24, x0, 23
    addi x9, x0, -3
    ld.set s1, x24, x9
    addi x12, x0, 8
    ld.set n0, x12, x1
    addi x12, x0, -1
    ld.set lo3, x0, x12
    addi x16, x0, 8
    ld.set lo0, x0, x16
    addi x15, x0, 17
    st.set m0, x15, x1
    lui x1, 0x100
    addi x1, x1, -85
    st.set addr_lo, x1, x0
    addi x17, x0, 1
    st.set lo1, x0, x17
    addi x14, x0, 31
    addi x4, x0, 255
    ld.set row_base, x14, x4
    # ld.load 9
    ld.load x10
    st.set t0, x0, x12
    # st.store 2
    st.store x3
    ld.post x0
    addi x10, x0, 3
    st.set m2, x10, x17
    addi x9, x0, 24
    addi x15, x0, -181
    st.set s1, x9, x15
    st.set m0, x17, x17
    st.set row_base, x16, x5
    addi x4, x0, 17
    st.set lo0, x4, x9
    lui x20, 0x2
    addi x20, x20, -22
    st.set addr_lo, x20, x0
    st.set lo3, x0, x12
    addi x24, x0, 96
    ld.set lo0, x0, x24
    addi x9, x0, 255
    ld.set row_base, x5, x9
    ld.set m0, x17, x7
    ld.set n2, x17, x17
    ld.set lo1, x0, x17
    ld.set s3, x25, x17
    ld.set m2, x3, x17
    lui x22, 0x2d
    addi x22, x22, 400
    ld.set addr_lo, x22, x0
    ld.set n0, x24, x17
    lui x1, 0xbdc55
    addi x1, x1, 861
    vpu.set r_mul, x1, x0
    vpu.set b_s0, x17, x3
    addi x14, x0, -3
    vpu.set o_s0, x12, x14
    vpu.set b_s2, x14, x13
    vpu.set r_s2, x10, x3
    lui x14, 0x80000
    addi x14, x14, -2
    lw x3, 24(x31)
    vpu.set a_s2, x14, x3
    vpu.set n2, x17, x17
    addi x23, x0, 87
    addi x21, x0, -10
    vpu.set o_lo, x23, x21
    vpu.set a_s0, x17, x12
    lui x6, 0x37
    addi x6, x6, -2032
    lui x11, 0x11
    addi x11, x11, -1472
    vpu.set chain_in, x6, x11
    lui x2, 0x10
    addi x2, x2, 1107
    vpu.set chain_out, x2, x8
    addi x1, x0, -128
    lw x2, 28(x31)
    vpu.set mid_lo, x1, x2
    lui x23, 0xbf3f5
    addi x23, x23, 913
    vpu.set clip_lo, x23, x0
    addi x22, x0, 11
    vpu.set o_base, x22, x7
    addi x19, x0, 61
    addi x18, x0, -83
    vpu.set r_lo, x19, x18
    lui x1, 0x3fa68
    addi x1, x1, -1028
    vpu.set mul1_imm, x1, x0
    lw x8, 32(x31)
    vpu.set a_base, x8, x16
    lw x30, 432(x31)
    sw x30, 280(x31)
    vpu.set n0, x8, x17
    core.fence
    st.set t0, x10, x12
    addi x23, x0, 24
    st.set n0, x23, x17
    addi x9, x0, -3
    st.set t2, x17, x9
    st.set lo2, x0, x17
    st.set s3, x23, x10
    # st.store 0
    st.store x0
    addi x10, x0, 255
    st.set row_base, x0, x10
    addi x13, x0, 5
    st.set s1, x13, x13
    lw x11, 36(x31)
    st.set t0, x11, x0
    addi x29, x0, 18
    addi x29, x29, -1
    bne x29, x0, 0x480
    lw x8, 40(x31)
    st.set lo0, x8, x13
    st.set n0, x13, x17
    ld.set lo3, x0, x17
    addi x20, x0, -59
    lui x25, 0xbf800
    vpu.set iadd_imm, x20, x25
    lui x13, 0x40000
    addi x13, x13, -1
    vpu.set o_zero, x0, x13
    addi x5, x0, 2
    vpu.set r_s0, x9, x5
    addi x22, x0, 3
    vpu.set o_s2, x22, x0
    core.sempost x0
    addi x9, x0, 13
    # vpu.vec 13
    vpu.vec x9
    vpu.post x0
    vpu.post x0
    vpu.set a_s0, x0, x17
    addi x10, x0, 7
    vpu.set a_base, x16, x10
    lui x20, 0x3e164
    addi x20, x20, 1886
    vpu.set add2_imm, x0, x20
    addi x9, x0, 9
    vpu.set o_base, x9, x0
    addi x11, x0, -140
    vpu.set b_s2, x17, x11
    addi x17, x0, 255
    vpu.set mid_lo, x0, x17
    addi x11, x0, 4
    vpu.set n0, x5, x11
    csrrs x30, mcycle, x0
    sw x30, 284(x31)
    lui x21, 0x3c61c
    addi x21, x21, -413
    lui x5, 0xc2e60
    vpu.set mul1_imm, x21, x5
    lw x19, 44(x31)
    lui x13, 0xff800
    vpu.set iadd_imm, x19, x13
    vpu.set r_lo, x0, x17
    csrrs x30, minstret, x0
    sw x30, 288(x31)
    vpu.set r_s2, x0, x0
    addi x19, x0, 2
    vpu.set o_s0, x12, x19
    addi x3, x0, 39
    addi x12, x0, -47
    vpu.set o_lo, x3, x12
    vpu.set r_s0, x0, x0
    addi x6, x0, 1
    vpu.set a_s2, x6, x19
    lui x14, 0x3b03e
    addi x14, x14, -2009
    vpu.set clip_lo, x14, x0
    addi x13, x0, -2
    vpu.set o_s2, x19, x13
    lui x23, 0x10
    addi x23, x23, 321
    addi x17, x0, 36
    vpu.set chain_out, x23, x17
    lui x22, 0x80000
    addi x22, x22, -1
    addi x20, x0, -26
    vpu.set o_zero, x22, x20
    addi x13, x0, -1
    vpu.set b_s0, x13, x0
    lui x6, 0x23
    addi x6, x6, -990
    lui x16, 0x9
    addi x16, x16, -475
    vpu.set chain_in, x6, x16
    vpu.set tail, x11, x0
    # vpu.vec 0
    vpu.vec x0
    st.set n2, x7, x9
    addi x24, x0, 1
    ld.set lo2, x0, x24
    addi x1, x0, -6
    ld.set t2, x1, x13
    csrrs x30, 0xfe2, x0
    sw x30, 292(x31)
    vpu.set o_base, x9, x0
    vpu.set clip_lo, x14, x0
    lui x9, 0x7d
    addi x9, x9, 840
    addi x6, x0, 147
    st.set addr_lo, x9, x6
    addi x9, x0, 9
    st.set lo3, x0, x9
    lui x6, 0x10
    addi x7, x0, 3
    st.set lo2, x6, x7
    csrrs x30, 0xfd5, x0
    sw x30, 296(x31)
    st.set t2, x24, x0
    addi x25, x0, 6
    st.set m2, x25, x9
    addi x20, x0, -33
    st.set s3, x20, x0
    # st.store 0
    st.store x0
    st.post x0
    st.post x0
    ld.set t0, x19, x24
    # vpu.vec 0
    vpu.vec x0
    vpu.post x0
    addi x20, x0, 12
    # ld.load 12
    ld.load x20
    addi x29, x0, 1
    addi x29, x29, -1
    bne x29, x0, 0x640
    addi x29, x0, 98
    core.semwait x0
    addi x29, x29, -1
    bne x29, x0, 0x64c
    core.fence
    core.halt x0
.data
    .word 0x00000007
    .word 0x00000020
    .word 0x00000002
    .word 0x0000000c
    .word 0xffffff80
    .word 0x00000010
    .word 0x00040000
    .word 0x0000007f
    .word 0x00000004
    .word 0x994f8492
    .word 0x0000005b
    .word 0xffffffc5
.dram 0x0002d000
    .word 0x3cf2e909
    .word 0x42da0000
    .word 0xff800000
    .word 0x40da68b8
    .word 0xc2c90000
    .word 0x3f87f5bc
    .word 0xc2460000
    .word 0x00000001
    .word 0x4b800001
    .word 0x415b153e
    .word 0x3e3425b4
    .word 0x3b0e46e7
    .word 0x3c7e4762
    .word 0xbeec19f3
    .word 0x40c00000
    .word 0xc27a0000
    .word 0x3c21c3a3
    .word 0x00000001
    .word 0x39dd6c68
    .word 0xc3048000
    .word 0x3b759138
    .word 0xbaaeadcb
    .word 0x3e1fca62
    .word 0x3ccfe1d6
    .word 0x39c05f53
    .word 0xbe2d7c03
    .word 0x3d93e66c
    .word 0xc0788869
    .word 0xbc5edcbe
    .word 0x40430872
    .word 0x47c3f0d6
    .word 0x807fffff
    .word 0x4109eade
    .word 0xbf387983
    .word 0x3c11b506
    .word 0xbe95bbcb
    .word 0x7f800000
    .word 0xc1310200
    .word 0x3a29d712
    .word 0x3e3397b4
    .word 0x3fa49d07
    .word 0xc14d9f44
    .word 0xbe8393aa
    .word 0x3d2df3cf
    .word 0x3e293a48
    .word 0x42d80000
    .word 0x423c0000
    .word 0x42c90000
    .word 0xc1cc0000
    .word 0xc2ab0000
    .word 0x3eef1563
    .word 0x42c00000
    .word 0x3e241b10
    .word 0xd687e03e
    .word 0x3f20fbd4
    .word 0xc24e0000
    .word 0x39a09595
    .word 0x7f800000
    .word 0x3f44c5b2
    .word 0x3bc12643
    .word 0x089e433a
    .word 0x3e902a0d
    .word 0x3c8f91c1
    .word 0xc2830000
    .word 0x39fe9e6c
    .word 0xbc106dd3
    .word 0x43070000
    .word 0x00000000
    .word 0x42d70000
    .word 0x41980000
    .word 0x3a9d7831
    .word 0x3e4b2cea
    .word 0xbce50f65
    .word 0x42a40000
    .word 0x40eb17d8
    .word 0x3a9f42eb
    .word 0xbf635b91
    .word 0x3aa5ea7a
    .word 0x3b0521ad
    .word 0x3d79cae9
    .word 0x3fc90700
    .word 0xc30a8000
    .word 0x3d77c4c4
    .word 0xbb9bc292
    .word 0x3ff1f4d6
    .word 0x3d395757
    .word 0x43110000
    .word 0x40cffeca
    .word 0x58b6691e
    .word 0x3a74c1e2
    .word 0xbff1d05e
    .word 0x42990000
    .word 0x3e1d71af
    .word 0x3faeb7c4
    .word 0x3f800000
    .word 0xc1600000
    .word 0x4f000000
    .word 0x4162fc34
    .word 0x3c1f8877
    .word 0xc1d40000
    .word 0x3c117535
    .word 0x42ed0000
    .word 0x3a7a843c
    .word 0x42580000
    .word 0x7fc00000
    .word 0x41108dbd
    .word 0x753f6d4f
    .word 0x425a0000
    .word 0xbd2ab8bc
    .word 0xbfbfe913
    .word 0xa3c24e93
    .word 0x3abb6ee8
    .word 0xc3128000
    .word 0x403195f7
    .word 0xc25a0000
    .word 0x3e2dc0ef
    .word 0x3e0ad107
    .word 0xbc18c0c9
    .word 0x42fe0000
    .word 0x3e46e7ad
    .word 0xc30e0000
    .word 0x39c33134
    .word 0x3d49fd9e
    .word 0x3a2a2840
    .word 0x4064c43d
    .word 0xffc00001
    .word 0x41159ea5
    .word 0x3e97f726
