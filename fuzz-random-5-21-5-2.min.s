.entry start
.text
start:
    addi x11, x0, 1
    mxu.set n2, x11, x11
    mxu.set n0, x11, x11
    addi x24, x0, 8
    mxu.set a_base, x24, x0
    vpu.set n2, x11, x11
    vpu.set n0, x11, x11
    vpu.set chain_in, x11, x0
    vpu.vec x0
    addi x5, x0, 1
    mxu.set c_base, x0, x5
    mxu.matmul x0
    core.halt x0
