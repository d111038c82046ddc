.entry start
.text
start:
    lui x31, 0x10000
    addi x18, x0, 8
    st.set row_base, x18, x0
    addi x19, x0, 1
    st.set t0, x0, x19
    lw x11, 0(x31)
    st.set s3, x11, x19
    addi x23, x0, 5
    st.set n2, x19, x23
    st.set lo3, x0, x23
    csrrs x30, minstret, x0
    sw x30, 256(x31)
    st.set m2, x19, x19
    lui x20, 0x44aa1
    addi x20, x20, 295
    addi x13, x0, 45
    st.set addr_lo, x20, x13
    lui x12, 0x80
    addi x21, x0, -2
    st.set t2, x12, x21
    lui x14, 0x100
    addi x14, x14, -1
    addi x6, x0, 36
    st.set s1, x14, x6
    st.set m0, x19, x23
    lui x3, 0x48161
    addi x3, x3, -1417
    st.set lo2, x3, x19
    st.set n0, x11, x19
    st.set lo0, x0, x11
    lw x29, 4(x31)
    addi x29, x29, -1
    bne x29, x0, 0x7c
    # st.store 0
    st.store x0
    mxu.set n2, x19, x19
    mxu.set a_plane, x11, x21
    addi x4, x0, -1
    mxu.set a_s2, x11, x4
    addi x29, x0, 88
    addi x29, x29, -1
    bne x29, x0, 0x9c
    addi x22, x0, -3
    mxu.set a_s0, x0, x22
    addi x16, x0, 4
    mxu.set n0, x16, x19
    addi x24, x0, 9
    mxu.set a_base, x24, x16
    mxu.set c_s0, x19, x4
    lui x25, 0x40000
    addi x25, x25, -1
    mxu.set c_s2, x11, x25
    addi x29, x0, 67
    addi x29, x29, -1
    bne x29, x0, 0xd0
    mxu.set flags, x19, x0
    mxu.set c_base, x16, x11
    # mxu.matmul_t 1
    mxu.matmul_t x19
    mxu.post x19
    core.sempost x0
    lui x1, 0xb19f1
    addi x1, x1, 1407
    mxu.set a_s2, x22, x1
    mxu.set a_s0, x0, x21
    addi x17, x0, 14
    mxu.set a_base, x17, x0
    addi x2, x0, 2
    mxu.set c_base, x16, x2
    lw x29, 8(x31)
    addi x29, x29, -1
    bne x29, x0, 0x110
    addi x5, x0, -6
    mxu.set a_plane, x5, x16
    csrrs x30, 0xfe2, x0
    sw x30, 260(x31)
    # mxu.matmul 0
    mxu.matmul x0
    lui x7, 0x39d54
    addi x7, x7, 1818
    vpu.set iadd_imm, x0, x7
    lw x21, 12(x31)
    addi x2, x0, 109
    vpu.set mid_lo, x21, x2
    vpu.set o_s0, x19, x11
    addi x4, x0, 196
    vpu.set a_s0, x19, x4
    lui x9, 0x3eecd
    addi x9, x9, 329
    vpu.set clip_lo, x0, x9
    addi x29, x0, 9
    addi x29, x29, -1
    bne x29, x0, 0x160
    lui x25, 0x3b1bd
    addi x25, x25, -158
    vpu.set r_mul, x0, x25
    vpu.set n2, x19, x19
    vpu.set b_s0, x19, x11
    addi x17, x0, -29
    vpu.set a_zero, x17, x0
    vpu.set a_s2, x11, x19
    lui x1, 0x10
    addi x1, x1, 323
    vpu.set chain_out, x1, x0
    addi x13, x0, -1
    vpu.set b_s2, x13, x19
    vpu.set n0, x11, x19
    lw x22, 16(x31)
    lw x5, 20(x31)
    vpu.set o_lo, x22, x5
    addi x23, x0, -87
    vpu.set o_zero, x23, x0
    addi x6, x0, 5
    vpu.set a_base, x6, x19
    addi x10, x0, -23
    addi x8, x0, 92
    vpu.set r_lo, x10, x8
    lw x16, 24(x31)
    lui x3, 0x10
    addi x3, x3, 1191
    vpu.set chain_in, x16, x3
    core.sempost x11
    lw x7, 28(x31)
    vpu.set add2_imm, x0, x7
    lui x12, 0x430a0
    vpu.set mul1_imm, x12, x0
    core.fence
    addi x14, x0, 2
    vpu.set o_s2, x0, x14
    # vpu.vec 3
    vpu.vec x11
    lui x19, 0x3a93f
    addi x19, x19, 117
    vpu.set r_mul, x19, x25
    csrrs x30, minstret, x0
    sw x30, 264(x31)
    addi x5, x0, 1
    vpu.set a_s0, x5, x11
    lui x16, 0x3b260
    addi x16, x16, -1455
    vpu.set mul1_imm, x16, x0
    lui x6, 0x7eb2e
    addi x6, x6, 1763
    lui x4, 0x39d54
    addi x4, x4, 1818
    vpu.set iadd_imm, x6, x4
    addi x14, x0, 4
    vpu.set n0, x14, x5
    lw x30, 860(x31)
    sw x30, 268(x31)
    lui x17, 0x3f770
    addi x17, x17, 159
    vpu.set r_s0, x11, x17
    addi x23, x0, 2
    lw x1, 32(x31)
    vpu.set a_s2, x23, x1
    lw x24, 36(x31)
    addi x7, x0, -15
    vpu.set o_lo, x24, x7
    addi x2, x0, -29
    addi x8, x0, -145
    vpu.set a_zero, x2, x8
    lui x22, 0xd
    addi x22, x22, -991
    vpu.set chain_in, x22, x0
    lw x3, 40(x31)
    vpu.set add2_imm, x0, x3
    addi x21, x0, -128
    addi x9, x0, 127
    vpu.set mid_lo, x21, x9
    lui x10, 0x49e4e
    addi x10, x10, 802
    vpu.set b_s2, x10, x5
    lui x15, 0xff800
    lui x18, 0x3eecd
    addi x18, x18, 329
    vpu.set clip_lo, x15, x18
    vpu.set o_s2, x23, x11
    addi x1, x0, 12
    vpu.set a_base, x1, x5
    addi x12, x0, -3
    vpu.set b_s0, x5, x12
    vpu.set o_s0, x13, x11
    divu x30, x20, x27
    sw x30, 272(x31)
    addi x4, x0, 7
    vpu.set o_zero, x4, x0
    core.fence
    vpu.set o_base, x11, x14
    lui x15, 0x10
    addi x15, x15, 596
    vpu.set chain_out, x15, x0
    lw x10, 44(x31)
    addi x17, x0, -2
    vpu.set r_s2, x10, x17
    lui x3, 0x13a18
    addi x3, x3, -1632
    lui x8, 0x37578
    addi x8, x8, -545
    vpu.set r_lo, x3, x8
    lw x30, 372(x31)
    sw x30, 276(x31)
    # vpu.vec 4
    vpu.vec x14
    csrrs x30, 0xfc2, x0
    sw x30, 280(x31)
    addi x13, x0, 13
    mxu.set a_base, x13, x5
    addi x15, x0, -39
    lui x11, 0x400
    addi x11, x11, 1
    mxu.set a_plane, x15, x11
    addi x3, x0, 3
    mxu.set n0, x3, x5
    addi x13, x0, -1
    mxu.set a_s0, x13, x3
    mxu.set a_s2, x13, x17
    mxu.set c_s0, x5, x3
    lui x25, 0x8000
    addi x25, x25, -1
    lui x20, 0x55555
    addi x20, x20, 1365
    mxu.set c_s2, x25, x20
    mxu.set flags, x0, x0
    addi x26, x0, 0
    addi x29, x0, 2
    # loop of 2 rounds
    mxu.set c_base, x26, x5
    mxu.matmul x29
    addi x26, x26, 3
    addi x29, x29, -1
    bne x29, x0, 0x374
    ld.set m0, x5, x5
    addi x5, x0, 8
    addi x19, x0, 1
    ld.set n0, x5, x19
    ld.set t0, x3, x0
    addi x29, x0, 5
    addi x29, x29, -1
    bne x29, x0, 0x3a0
    ld.set lo0, x0, x4
    ld.set lo2, x0, x19
    csrrs x30, 0xfd3, x0
    sw x30, 284(x31)
    lui x15, 0xfffff
    addi x15, x15, 1582
    ld.set s1, x5, x15
    ld.set lo3, x0, x19
    ld.set n2, x19, x19
    ld.set s3, x0, x3
    lui x20, 0xf
    addi x20, x20, 251
    ld.set row_base, x0, x20
    ld.wait x19
    ld.set m2, x19, x19
    lui x14, 0xaaaab
    addi x14, x14, -1366
    addi x12, x0, 223
    ld.set addr_lo, x14, x12
    # ld.load 0
    ld.load x0
    lui x18, 0xb6502
    addi x18, x18, 1565
    ld.set t2, x18, x19
    addi x6, x0, 4
    core.sempost x6
    lui x12, 0x100
    ld.set lo0, x12, x13
    lui x15, 0x10
    addi x15, x15, -1
    ld.set addr_lo, x15, x0
    ld.set m2, x19, x4
    core.sempost x6
    addi x19, x0, -3
    ld.set t0, x19, x17
    lui x24, 0x1
    addi x24, x24, -1581
    ld.set s1, x24, x5
    addi x18, x0, 1
    lui x20, 0x7
    addi x20, x20, 384
    ld.set row_base, x18, x20
    ld.set lo3, x0, x4
    ld.set n2, x18, x4
    csrrs x30, 0xfd8, x0
    sw x30, 288(x31)
    ld.set n0, x18, x5
    ld.set lo1, x0, x5
    addi x23, x0, 412
    addi x1, x0, 5
    ld.set s3, x23, x1
    # ld.load 0
    ld.load x0
    csrrs x30, 0xfe6, x0
    sw x30, 292(x31)
    addi x9, x0, 16
    ld.set n0, x9, x18
    ld.set n2, x18, x3
    addi x23, x0, -55
    lui x25, 0xfffff
    addi x25, x25, 1455
    ld.set s1, x23, x25
    ld.set s3, x4, x6
    ld.set lo0, x21, x9
    ld.set lo1, x0, x18
    ld.set lo3, x0, x3
    ld.set row_base, x0, x15
    ld.set m2, x3, x18
    ld.set t0, x0, x14
    ld.set t2, x3, x19
    addi x19, x0, 196
    st.set n0, x19, x18
    st.set n2, x18, x18
    lui x21, 0xfffff
    addi x21, x21, 1686
    st.set s1, x0, x21
    st.set s3, x19, x0
    lw x18, 48(x31)
    lw x13, 52(x31)
    st.set lo0, x18, x13
    addi x23, x0, 1
    st.set lo1, x0, x23
    st.set lo2, x0, x23
    st.set lo3, x0, x23
    lui x1, 0x17428
    addi x1, x1, 371
    st.set row_base, x4, x1
    addi x7, x0, 25
    st.set m0, x23, x7
    st.set t0, x0, x0
    addi x16, x0, -1
    addi x6, x0, -3
    st.set t2, x16, x6
    lw x26, 56(x31)
    addi x27, x0, 264
    addi x29, x0, 4
    # loop of 4 rounds
    ld.set addr_lo, x26, x0
    ld.load x29
    addi x26, x26, 3
    st.set addr_lo, x27, x0
    st.store x29
    addi x27, x27, 3
    addi x29, x29, -1
    bne x29, x0, 0x520
    core.halt x0
.data
    .word 0x00000003
    .word 0x00000005
    .word 0x00000009
    .word 0xffffffdb
    .word 0x00000037
    .word 0xffffffc9
    .word 0x00033c23
    .word 0xc2830000
    .word 0xfffffffe
    .word 0x00000048
    .word 0x41880000
    .word 0x08000000
    .word 0x000000b1
    .word 0x000000b2
    .word 0x000005a5
.dram 0x0001c000
    .word 0x39ed40c9
    .word 0x00003a1a
    .word 0xc09d4040
    .word 0x3b1c3a12
    .word 0xc2a6bc73
    .word 0x42ac3b19
    .word 0xbb5242fd
    .word 0x3f80b9d7
    .word 0x405e3f93
    .word 0x3e7a4224
    .word 0xbfc0ba45
    .word 0x3a247f80
    .word 0x42c5ff80
    .word 0x42d741d8
    .word 0xc13041e0
    .word 0x3bc5c0b0
    .word 0x42b33fcc
    .word 0x41483a12
    .word 0xc25aba7c
    .word 0x00003d9c
    .word 0xbfdac313
    .word 0x3b2ac309
    .word 0x3e973ea1
    .word 0xc0ccc11c
    .word 0xc0e03985
    .word 0x4b0042ef
    .word 0x3ecf3de3
    .word 0xc2a73d50
    .word 0xc0c940cf
    .word 0x3bfc3c39
    .word 0x7f803cd5
    .word 0xbb283f00
    .word 0x3a830000
    .word 0x3fa9807f
    .word 0x3ea2c3e5
    .word 0x3a9a39ad
    .word 0x43053f8f
    .word 0x401a4268
    .word 0x234ec2c5
    .word 0x3c183d66
    .word 0x3d4f415d
    .word 0x3a773bbd
    .word 0xc2003a22
    .word 0x2451ee4b
    .word 0xc2e2405a
    .word 0xbdb3bb35
    .word 0x3c474306
    .word 0x3ef33c95
    .word 0x42d3bdf7
    .word 0xc2b642ee
    .word 0x3f8040af
    .word 0xbbb8c24a
    .word 0x42243f1d
    .word 0x3f004149
    .word 0x3bcec308
    .word 0x43054089
    .word 0x3eb2c2af
    .word 0x00003aa1
    .word 0x3b1abde4
    .word 0x3fa342b6
    .word 0xbf00c052
    .word 0x3c504127
    .word 0x3a4fb9c9
    .word 0x3c95428a
    .word 0x3edf39d3
    .word 0xbd28b9ca
    .word 0x42ea0000
    .word 0x3de042aa
    .word 0x3b293d6e
    .word 0x3d4fff7f
    .word 0xbfca41f4
    .word 0xc2603993
    .word 0x3c86c2cf
    .word 0xc3123cbd
    .word 0x4eff3f74
    .word 0x3bccc2a1
    .word 0x40417f7f
    .word 0xc0e63ebd
    .word 0xbc234313
    .word 0xc00e40a0
    .word 0x42d9bcec
    .word 0x3eda4000
    .word 0x43073a31
    .word 0xc1083f80
    .word 0xc24040e4
    .word 0xc13a4eff
    .word 0x3f507115
    .word 0xcf004224
    .word 0x409042fd
    .word 0x4204bc19
    .word 0xc1093a91
    .word 0x3f9b3d1a
    .word 0xb99a42ee
    .word 0x3eb2c1ac
    .word 0x00007fc0
    .word 0x3eba429d
    .word 0xc3023d37
    .word 0x3cf7be34
    .word 0xbd5b425c
    .word 0x3c683986
    .word 0x00803dfe
    .word 0x3aabcf00
    .word 0x3ddc3ce3
    .word 0x3dd0405f
    .word 0x3aa93c77
    .word 0x4310c2d5
    .word 0x3bf13d31
    .word 0xff803aad
    .word 0x41584135
    .word 0x4f8440a7
    .word 0xbb3e7f7f
    .word 0x42f1cf00
    .word 0x7f7f42a2
    .word 0x3f6f4298
    .word 0xc2de3f80
    .word 0x3eaf3b7d
    .word 0x3f00c2c9
    .word 0x3deb4168
    .word 0xe7b817f8
    .word 0x3bc23f80
    .word 0xc282c2fd
    .word 0x3a64bd2c
    .word 0xbf263afe
    .word 0x3dc73dce
    .word 0xc3154287
    .word 0xc1e44056
    .word 0x4b004014
    .word 0x0080c00e
