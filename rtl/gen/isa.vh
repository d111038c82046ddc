// GENERATED from isa/X.def by isa_gen vh -- do not edit.
// Regenerate: cmake --build build/dev --target regen
`ifndef SY_ISA_VH
`define SY_ISA_VH

// Hash of the tables this was made from: host registers ISA_HASH and ISA_HASH_HI.
`define SY_ISA_HASH 64'h250cc8ff86eaf221

// Units: funct3 of Xsystole, index of counters, unit code of errors.
`define SY_UNIT_MXU 3'd0
`define SY_UNIT_VPU 3'd1
`define SY_UNIT_LD 3'd2
`define SY_UNIT_ST 3'd3
`define SY_UNIT_CORE 3'd4
`define SY_N_UNITS 5

// Commands: funct7, what it takes, whether it is built.  SET is SY_F7_SET | pair.
`define SY_OPCODE_XSYSTOLE 7'd11
`define SY_F7_SET 7'd64
`define SY_F7_MXU_WAIT 7'd1
`define SY_F7_MXU_POST 7'd2
`define SY_F7_MXU_MATMUL 7'd16
`define SY_F7_MXU_MATMUL_T 7'd17
`define SY_F7_VPU_WAIT 7'd1
`define SY_F7_VPU_POST 7'd2
`define SY_F7_VPU_VEC 7'd16
`define SY_F7_VPU_ROWS 7'd17
`define SY_F7_VPU_TABLE 7'd18
`define SY_F7_VPU_TAPS 7'd19
`define SY_F7_LD_WAIT 7'd1
`define SY_F7_LD_POST 7'd2
`define SY_F7_LD_LOAD 7'd16
`define SY_F7_ST_WAIT 7'd1
`define SY_F7_ST_POST 7'd2
`define SY_F7_ST_STORE 7'd16
`define SY_F7_CORE_SEMWAIT 7'd1
`define SY_F7_CORE_SEMPOST 7'd2
`define SY_F7_CORE_FENCE 7'd3
`define SY_F7_CORE_HALT 7'd4

// 1 if a word with opcode custom-0 and rd = x0 is legal: f3, f7 and the source register numbers.
`define SY_XSYSTOLE_LEGAL(f3, f7, rs1, rs2) ( \
    ((f3) == 3'd0 && (f7) >= 7'h40 && (f7) < 7'h4B) || \
    ((f3) == 3'd1 && (f7) >= 7'h40 && (f7) < 7'h5B) || \
    ((f3) == 3'd2 && (f7) >= 7'h40 && (f7) < 7'h4E) || \
    ((f3) == 3'd3 && (f7) >= 7'h40 && (f7) < 7'h4E) || \
    ((f3) == 3'd0 && (f7) == 7'h01 && (rs2) == 5'd0) || \
    ((f3) == 3'd0 && (f7) == 7'h02 && (rs2) == 5'd0) || \
    ((f3) == 3'd0 && (f7) == 7'h10 && (rs2) == 5'd0) || \
    ((f3) == 3'd0 && (f7) == 7'h11 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h01 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h02 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h10 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h11 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h12 && (rs2) == 5'd0) || \
    ((f3) == 3'd1 && (f7) == 7'h13 && (rs2) == 5'd0) || \
    ((f3) == 3'd2 && (f7) == 7'h01 && (rs2) == 5'd0) || \
    ((f3) == 3'd2 && (f7) == 7'h02 && (rs2) == 5'd0) || \
    ((f3) == 3'd2 && (f7) == 7'h10 && (rs2) == 5'd0) || \
    ((f3) == 3'd3 && (f7) == 7'h01 && (rs2) == 5'd0) || \
    ((f3) == 3'd3 && (f7) == 7'h02 && (rs2) == 5'd0) || \
    ((f3) == 3'd3 && (f7) == 7'h10 && (rs2) == 5'd0) || \
    ((f3) == 3'd4 && (f7) == 7'h01 && (rs2) == 5'd0) || \
    ((f3) == 3'd4 && (f7) == 7'h02 && (rs2) == 5'd0) || \
    ((f3) == 3'd4 && (f7) == 7'h03 && (rs1) == 5'd0 && (rs2) == 5'd0) || \
    ((f3) == 3'd4 && (f7) == 7'h04 && (rs2) == 5'd0))

// 1 if a legal command, not a SET, answers UNIMPLEMENTED.
`define SY_XSYSTOLE_UNBUILT(f3, f7) (1'b0 || \
    ((f3) == `SY_UNIT_VPU && (f7) == `SY_F7_VPU_TABLE) || \
    ((f3) == `SY_UNIT_VPU && (f7) == `SY_F7_VPU_TAPS))

// Descriptor registers of MXU.
`define SY_MXU_A_BASE 0
`define SY_MXU_W_BASE 1
`define SY_MXU_C_BASE 2
`define SY_MXU_PLANES 3
`define SY_MXU_A_PLANE 4
`define SY_MXU_W_PLANE 5
`define SY_MXU_N0 6
`define SY_MXU_N1 7
`define SY_MXU_N2 8
`define SY_MXU_N3 9
`define SY_MXU_A_S0 10
`define SY_MXU_A_S1 11
`define SY_MXU_A_S2 12
`define SY_MXU_A_S3 13
`define SY_MXU_C_S0 14
`define SY_MXU_C_S1 15
`define SY_MXU_C_S2 16
`define SY_MXU_C_S3 17
`define SY_MXU_FLAGS 18
`define SY_MXU_A_ZERO 19
`define SY_MXU_W_ZERO 20
`define SY_MXU_UNUSED 21
`define SY_MXU_N_REGS 22
`define SY_MXU_N_PAIRS 11

// Descriptor registers of VPU.
`define SY_VPU_N0 0
`define SY_VPU_N1 1
`define SY_VPU_N2 2
`define SY_VPU_N3 3
`define SY_VPU_A_BASE 4
`define SY_VPU_B_BASE 5
`define SY_VPU_A_S0 6
`define SY_VPU_A_S1 7
`define SY_VPU_A_S2 8
`define SY_VPU_A_S3 9
`define SY_VPU_B_S0 10
`define SY_VPU_B_S1 11
`define SY_VPU_B_S2 12
`define SY_VPU_B_S3 13
`define SY_VPU_O_BASE 14
`define SY_VPU_R_BASE 15
`define SY_VPU_O_S0 16
`define SY_VPU_O_S1 17
`define SY_VPU_O_S2 18
`define SY_VPU_O_S3 19
`define SY_VPU_R_S0 20
`define SY_VPU_R_S1 21
`define SY_VPU_R_S2 22
`define SY_VPU_R_S3 23
`define SY_VPU_CHAIN_IN 24
`define SY_VPU_CHAIN_FP 25
`define SY_VPU_CHAIN_OUT 26
`define SY_VPU_ROWS 27
`define SY_VPU_A_ZERO 28
`define SY_VPU_B_ZERO 29
`define SY_VPU_IADD_IMM 30
`define SY_VPU_ADD1_IMM 31
`define SY_VPU_MUL1_IMM 32
`define SY_VPU_MUL2_IMM 33
`define SY_VPU_MID_LO 34
`define SY_VPU_MID_HI 35
`define SY_VPU_ADD2_IMM 36
`define SY_VPU_B_SCALE 37
`define SY_VPU_CLIP_LO 38
`define SY_VPU_CLIP_HI 39
`define SY_VPU_O_LO 40
`define SY_VPU_O_HI 41
`define SY_VPU_R_LO 42
`define SY_VPU_R_HI 43
`define SY_VPU_O_ZERO 44
`define SY_VPU_R_ZERO 45
`define SY_VPU_R_MUL 46
`define SY_VPU_R_ADD 47
`define SY_VPU_TAIL 48
`define SY_VPU_WIN_OUT 49
`define SY_VPU_WIN_TOP 50
`define SY_VPU_WIN_ROWS 51
`define SY_VPU_TAPS 52
`define SY_VPU_UNUSED 53
`define SY_VPU_N_REGS 54
`define SY_VPU_N_PAIRS 27

// Descriptor registers of LD.
`define SY_LD_ADDR_LO 0
`define SY_LD_ADDR_HI 1
`define SY_LD_N0 2
`define SY_LD_N1 3
`define SY_LD_N2 4
`define SY_LD_N3 5
`define SY_LD_S1 6
`define SY_LD_S2 7
`define SY_LD_S3 8
`define SY_LD_FLAGS 9
`define SY_LD_LO0 10
`define SY_LD_HI0 11
`define SY_LD_LO1 12
`define SY_LD_HI1 13
`define SY_LD_LO2 14
`define SY_LD_HI2 15
`define SY_LD_LO3 16
`define SY_LD_HI3 17
`define SY_LD_ROW_BASE 18
`define SY_LD_FILL 19
`define SY_LD_M0 20
`define SY_LD_M1 21
`define SY_LD_M2 22
`define SY_LD_M3 23
`define SY_LD_T0 24
`define SY_LD_T1 25
`define SY_LD_T2 26
`define SY_LD_T3 27
`define SY_LD_N_REGS 28
`define SY_LD_N_PAIRS 14

// Descriptor registers of ST.
`define SY_ST_ADDR_LO 0
`define SY_ST_ADDR_HI 1
`define SY_ST_N0 2
`define SY_ST_N1 3
`define SY_ST_N2 4
`define SY_ST_N3 5
`define SY_ST_S1 6
`define SY_ST_S2 7
`define SY_ST_S3 8
`define SY_ST_FLAGS 9
`define SY_ST_LO0 10
`define SY_ST_HI0 11
`define SY_ST_LO1 12
`define SY_ST_HI1 13
`define SY_ST_LO2 14
`define SY_ST_HI2 15
`define SY_ST_LO3 16
`define SY_ST_HI3 17
`define SY_ST_ROW_BASE 18
`define SY_ST_UNUSED 19
`define SY_ST_M0 20
`define SY_ST_M1 21
`define SY_ST_M2 22
`define SY_ST_M3 23
`define SY_ST_T0 24
`define SY_ST_T1 25
`define SY_ST_T2 26
`define SY_ST_T3 27
`define SY_ST_N_REGS 28
`define SY_ST_N_PAIRS 14

// Bit fields: _LOW, _WIDTH, _BITS for part selects r[`..._BITS], and their values.
`define SY_MXU_FLAGS_ACCUMULATE_LOW 0
`define SY_MXU_FLAGS_ACCUMULATE_WIDTH 1
`define SY_MXU_FLAGS_ACCUMULATE_BITS 0
`define SY_MXU_FLAGS_A_UNSIGNED_LOW 1
`define SY_MXU_FLAGS_A_UNSIGNED_WIDTH 1
`define SY_MXU_FLAGS_A_UNSIGNED_BITS 1
`define SY_MXU_FLAGS_W_UNSIGNED_LOW 2
`define SY_MXU_FLAGS_W_UNSIGNED_WIDTH 1
`define SY_MXU_FLAGS_W_UNSIGNED_BITS 2
`define SY_VPU_CHAIN_IN_A_SRC_LOW 0
`define SY_VPU_CHAIN_IN_A_SRC_WIDTH 2
`define SY_VPU_CHAIN_IN_A_SRC_BITS 1:0
`define SY_VPU_CHAIN_IN_A_SRC_NONE 2'd0
`define SY_VPU_CHAIN_IN_A_SRC_SPM 2'd1
`define SY_VPU_CHAIN_IN_A_SRC_ACC_I32 2'd2
`define SY_VPU_CHAIN_IN_A_SRC_ACC_F32 2'd3
`define SY_VPU_CHAIN_IN_B_SRC_LOW 2
`define SY_VPU_CHAIN_IN_B_SRC_WIDTH 2
`define SY_VPU_CHAIN_IN_B_SRC_BITS 3:2
`define SY_VPU_CHAIN_IN_B_SRC_NONE 2'd0
`define SY_VPU_CHAIN_IN_B_SRC_SPM 2'd1
`define SY_VPU_CHAIN_IN_B_SRC_ACC_I32 2'd2
`define SY_VPU_CHAIN_IN_B_SRC_ACC_F32 2'd3
`define SY_VPU_CHAIN_IN_IADD_LOW 4
`define SY_VPU_CHAIN_IN_IADD_WIDTH 2
`define SY_VPU_CHAIN_IN_IADD_BITS 5:4
`define SY_VPU_CHAIN_IN_IADD_NONE 2'd0
`define SY_VPU_CHAIN_IN_IADD_IMM 2'd1
`define SY_VPU_CHAIN_IN_IADD_ROW 2'd2
`define SY_VPU_CHAIN_IN_WINDOW_LOW 6
`define SY_VPU_CHAIN_IN_WINDOW_WIDTH 2
`define SY_VPU_CHAIN_IN_WINDOW_BITS 7:6
`define SY_VPU_CHAIN_IN_WINDOW_OFF 2'd0
`define SY_VPU_CHAIN_IN_WINDOW_TAPS3 2'd1
`define SY_VPU_CHAIN_IN_WINDOW_TAPS5 2'd2
`define SY_VPU_CHAIN_IN_STRIDE2_LOW 8
`define SY_VPU_CHAIN_IN_STRIDE2_WIDTH 1
`define SY_VPU_CHAIN_IN_STRIDE2_BITS 8
`define SY_VPU_CHAIN_IN_STRIDE2_OFF 1'd0
`define SY_VPU_CHAIN_IN_STRIDE2_ON 1'd1
`define SY_VPU_CHAIN_IN_TRANSPOSE_LOW 9
`define SY_VPU_CHAIN_IN_TRANSPOSE_WIDTH 1
`define SY_VPU_CHAIN_IN_TRANSPOSE_BITS 9
`define SY_VPU_CHAIN_IN_TRANSPOSE_OFF 1'd0
`define SY_VPU_CHAIN_IN_TRANSPOSE_ON 1'd1
`define SY_VPU_CHAIN_IN_WIN_PAD_LOW 10
`define SY_VPU_CHAIN_IN_WIN_PAD_WIDTH 3
`define SY_VPU_CHAIN_IN_WIN_PAD_BITS 12:10
`define SY_VPU_CHAIN_IN_WIN_FIRST_LOW 13
`define SY_VPU_CHAIN_IN_WIN_FIRST_WIDTH 5
`define SY_VPU_CHAIN_IN_WIN_FIRST_BITS 17:13
`define SY_VPU_CHAIN_FP_ADD1_LOW 0
`define SY_VPU_CHAIN_FP_ADD1_WIDTH 2
`define SY_VPU_CHAIN_FP_ADD1_BITS 1:0
`define SY_VPU_CHAIN_FP_ADD1_NONE 2'd0
`define SY_VPU_CHAIN_FP_ADD1_IMM 2'd1
`define SY_VPU_CHAIN_FP_ADD1_ROW 2'd2
`define SY_VPU_CHAIN_FP_ADD1_B 2'd3
`define SY_VPU_CHAIN_FP_MUL1_LOW 2
`define SY_VPU_CHAIN_FP_MUL1_WIDTH 2
`define SY_VPU_CHAIN_FP_MUL1_BITS 3:2
`define SY_VPU_CHAIN_FP_MUL1_NONE 2'd0
`define SY_VPU_CHAIN_FP_MUL1_IMM 2'd1
`define SY_VPU_CHAIN_FP_MUL1_ROW 2'd2
`define SY_VPU_CHAIN_FP_MUL1_B 2'd3
`define SY_VPU_CHAIN_FP_MID_LOW 4
`define SY_VPU_CHAIN_FP_MID_WIDTH 2
`define SY_VPU_CHAIN_FP_MID_BITS 5:4
`define SY_VPU_CHAIN_FP_MID_OFF 2'd0
`define SY_VPU_CHAIN_FP_MID_CLAMP 2'd1
`define SY_VPU_CHAIN_FP_MID_BF16 2'd2
`define SY_VPU_CHAIN_FP_MUL2_LOW 6
`define SY_VPU_CHAIN_FP_MUL2_WIDTH 2
`define SY_VPU_CHAIN_FP_MUL2_BITS 7:6
`define SY_VPU_CHAIN_FP_MUL2_NONE 2'd0
`define SY_VPU_CHAIN_FP_MUL2_IMM 2'd1
`define SY_VPU_CHAIN_FP_MUL2_ROW 2'd2
`define SY_VPU_CHAIN_FP_ADD2_LOW 8
`define SY_VPU_CHAIN_FP_ADD2_WIDTH 2
`define SY_VPU_CHAIN_FP_ADD2_BITS 9:8
`define SY_VPU_CHAIN_FP_ADD2_NONE 2'd0
`define SY_VPU_CHAIN_FP_ADD2_IMM 2'd1
`define SY_VPU_CHAIN_FP_ADD2_ROW 2'd2
`define SY_VPU_CHAIN_FP_ADD2_B 2'd3
`define SY_VPU_CHAIN_FP_FN_LOW 10
`define SY_VPU_CHAIN_FP_FN_WIDTH 5
`define SY_VPU_CHAIN_FP_FN_BITS 14:10
`define SY_VPU_CHAIN_FP_FN_IDENTITY 5'd0
`define SY_VPU_CHAIN_FP_FN_RELU 5'd1
`define SY_VPU_CHAIN_FP_FN_CLIP 5'd2
`define SY_VPU_CHAIN_FP_FN_MAX 5'd3
`define SY_VPU_CHAIN_FP_FN_EXP2 5'd4
`define SY_VPU_CHAIN_FP_FN_LOG2 5'd5
`define SY_VPU_CHAIN_FP_FN_RECIP 5'd6
`define SY_VPU_CHAIN_FP_FN_RSQRT 5'd7
`define SY_VPU_CHAIN_FP_FN_SQRT 5'd8
`define SY_VPU_CHAIN_FP_FN_TANH 5'd9
`define SY_VPU_CHAIN_FP_FN_SIGMOID 5'd10
`define SY_VPU_CHAIN_FP_FN_ERF 5'd11
`define SY_VPU_CHAIN_FP_FN_PHI 5'd12
`define SY_VPU_CHAIN_FP_FN_MIN 5'd13
`define SY_VPU_CHAIN_FP_FN_ABS 5'd14
`define SY_VPU_CHAIN_FP_FN_STEP 5'd15
`define SY_VPU_CHAIN_FP_FN_SELECT 5'd16
`define SY_VPU_CHAIN_FP_FN_GT 5'd17
`define SY_VPU_CHAIN_FP_FN_GE 5'd18
`define SY_VPU_CHAIN_FP_FN_EQ 5'd19
`define SY_VPU_CHAIN_FP_FN_TABLE 5'd20
`define SY_VPU_CHAIN_FP_MUL3_LOW 15
`define SY_VPU_CHAIN_FP_MUL3_WIDTH 2
`define SY_VPU_CHAIN_FP_MUL3_BITS 16:15
`define SY_VPU_CHAIN_FP_MUL3_ONE 2'd0
`define SY_VPU_CHAIN_FP_MUL3_PRE 2'd1
`define SY_VPU_CHAIN_FP_MUL3_ROW 2'd2
`define SY_VPU_CHAIN_FP_MUL3_B 2'd3
`define SY_VPU_CHAIN_OUT_OUT_LOW 0
`define SY_VPU_CHAIN_OUT_OUT_WIDTH 3
`define SY_VPU_CHAIN_OUT_OUT_BITS 2:0
`define SY_VPU_CHAIN_OUT_OUT_NONE 3'd0
`define SY_VPU_CHAIN_OUT_OUT_SPM 3'd1
`define SY_VPU_CHAIN_OUT_OUT_I32 3'd2
`define SY_VPU_CHAIN_OUT_OUT_F32 3'd3
`define SY_VPU_CHAIN_OUT_OUT_RAW 3'd4
`define SY_VPU_CHAIN_OUT_RED_LOW 4
`define SY_VPU_CHAIN_OUT_RED_WIDTH 2
`define SY_VPU_CHAIN_OUT_RED_BITS 5:4
`define SY_VPU_CHAIN_OUT_RED_NONE 2'd0
`define SY_VPU_CHAIN_OUT_RED_SUM 2'd1
`define SY_VPU_CHAIN_OUT_RED_MAX 2'd2
`define SY_VPU_CHAIN_OUT_RED_SUMSQ 2'd3
`define SY_VPU_CHAIN_OUT_RED_SRC_LOW 6
`define SY_VPU_CHAIN_OUT_RED_SRC_WIDTH 1
`define SY_VPU_CHAIN_OUT_RED_SRC_BITS 6
`define SY_VPU_CHAIN_OUT_RED_SRC_INT 1'd0
`define SY_VPU_CHAIN_OUT_RED_SRC_FP 1'd1
`define SY_VPU_CHAIN_OUT_RED_LOOPS_LOW 8
`define SY_VPU_CHAIN_OUT_RED_LOOPS_WIDTH 3
`define SY_VPU_CHAIN_OUT_RED_LOOPS_BITS 10:8
`define SY_VPU_CHAIN_OUT_RED_LOOPS_ALL0 3'd0
`define SY_VPU_CHAIN_OUT_RED_LOOPS_ONE 3'd1
`define SY_VPU_CHAIN_OUT_RED_LOOPS_TWO 3'd2
`define SY_VPU_CHAIN_OUT_RED_LOOPS_THREE 3'd3
`define SY_VPU_CHAIN_OUT_RED_LOOPS_FOUR 3'd4
`define SY_VPU_CHAIN_OUT_RED_LANES_LOW 11
`define SY_VPU_CHAIN_OUT_RED_LANES_WIDTH 1
`define SY_VPU_CHAIN_OUT_RED_LANES_BITS 11
`define SY_VPU_CHAIN_OUT_RED_LANES_OFF 1'd0
`define SY_VPU_CHAIN_OUT_RED_LANES_ON 1'd1
`define SY_VPU_CHAIN_OUT_RED_INDEX_LOW 12
`define SY_VPU_CHAIN_OUT_RED_INDEX_WIDTH 1
`define SY_VPU_CHAIN_OUT_RED_INDEX_BITS 12
`define SY_VPU_CHAIN_OUT_RED_INDEX_OFF 1'd0
`define SY_VPU_CHAIN_OUT_RED_INDEX_ON 1'd1
`define SY_VPU_CHAIN_OUT_RED_FN_LOW 13
`define SY_VPU_CHAIN_OUT_RED_FN_WIDTH 2
`define SY_VPU_CHAIN_OUT_RED_FN_BITS 14:13
`define SY_VPU_CHAIN_OUT_RED_FN_NONE 2'd0
`define SY_VPU_CHAIN_OUT_RED_FN_RECIP 2'd1
`define SY_VPU_CHAIN_OUT_RED_FN_RSQRT 2'd2
`define SY_VPU_CHAIN_OUT_RED_OUT_LOW 15
`define SY_VPU_CHAIN_OUT_RED_OUT_WIDTH 2
`define SY_VPU_CHAIN_OUT_RED_OUT_BITS 16:15
`define SY_VPU_CHAIN_OUT_RED_OUT_SPM 2'd0
`define SY_VPU_CHAIN_OUT_RED_OUT_I32 2'd1
`define SY_VPU_CHAIN_OUT_RED_OUT_F32 2'd2
`define SY_VPU_TAPS_TAP_FIRST_LOW 0
`define SY_VPU_TAPS_TAP_FIRST_WIDTH 5
`define SY_VPU_TAPS_TAP_FIRST_BITS 4:0
`define SY_VPU_TAPS_TAP_COUNT_LOW 8
`define SY_VPU_TAPS_TAP_COUNT_WIDTH 5
`define SY_VPU_TAPS_TAP_COUNT_BITS 12:8
`define SY_VPU_ROWS_FIRST_LOW 0
`define SY_VPU_ROWS_FIRST_WIDTH 3
`define SY_VPU_ROWS_FIRST_BITS 2:0
`define SY_VPU_ROWS_COUNT_LOW 4
`define SY_VPU_ROWS_COUNT_WIDTH 3
`define SY_VPU_ROWS_COUNT_BITS 6:4
`define SY_LD_FLAGS_CLOSE_LOW 0
`define SY_LD_FLAGS_CLOSE_WIDTH 2
`define SY_LD_FLAGS_CLOSE_BITS 1:0
`define SY_LD_FLAGS_ACC_LOW 2
`define SY_LD_FLAGS_ACC_WIDTH 1
`define SY_LD_FLAGS_ACC_BITS 2
`define SY_ST_FLAGS_CLOSE_LOW 0
`define SY_ST_FLAGS_CLOSE_WIDTH 2
`define SY_ST_FLAGS_CLOSE_BITS 1:0
`define SY_ST_FLAGS_ACC_LOW 2
`define SY_ST_FLAGS_ACC_WIDTH 1
`define SY_ST_FLAGS_ACC_BITS 2

// Checks of a register (r: 32 bits) that has fields: _INVALID is error FIELD, else _UNBUILT is UNIMPLEMENTED.
`define SY_MXU_FLAGS_INVALID(r) ((|((r) & 32'hFFFFFFF8)))
`define SY_MXU_FLAGS_UNBUILT(r) (1'b0)
`define SY_VPU_CHAIN_IN_INVALID(r) ((|((r) & 32'hFFFC0000)) || \
    (((r) >> 4) & 32'h3) == 32'd3 || \
    (((r) >> 6) & 32'h3) == 32'd3)
`define SY_VPU_CHAIN_IN_UNBUILT(r) (1'b0 || \
    (((r) >> 6) & 32'h3) == 32'd1 || \
    (((r) >> 6) & 32'h3) == 32'd2 || \
    (((r) >> 8) & 32'h1) == 32'd1 || \
    (((r) >> 9) & 32'h1) == 32'd1)
`define SY_VPU_CHAIN_FP_INVALID(r) ((|((r) & 32'hFFFE0000)) || \
    (((r) >> 4) & 32'h3) == 32'd3 || \
    (((r) >> 6) & 32'h3) == 32'd3 || \
    (((r) >> 10) & 32'h1F) == 32'd21 || \
    (((r) >> 10) & 32'h1F) == 32'd22 || \
    (((r) >> 10) & 32'h1F) == 32'd23 || \
    (((r) >> 10) & 32'h1F) == 32'd24 || \
    (((r) >> 10) & 32'h1F) == 32'd25 || \
    (((r) >> 10) & 32'h1F) == 32'd26 || \
    (((r) >> 10) & 32'h1F) == 32'd27 || \
    (((r) >> 10) & 32'h1F) == 32'd28 || \
    (((r) >> 10) & 32'h1F) == 32'd29 || \
    (((r) >> 10) & 32'h1F) == 32'd30 || \
    (((r) >> 10) & 32'h1F) == 32'd31)
`define SY_VPU_CHAIN_FP_UNBUILT(r) (1'b0 || \
    (((r) >> 10) & 32'h1F) == 32'd4 || \
    (((r) >> 10) & 32'h1F) == 32'd5 || \
    (((r) >> 10) & 32'h1F) == 32'd6 || \
    (((r) >> 10) & 32'h1F) == 32'd7 || \
    (((r) >> 10) & 32'h1F) == 32'd8 || \
    (((r) >> 10) & 32'h1F) == 32'd9 || \
    (((r) >> 10) & 32'h1F) == 32'd10 || \
    (((r) >> 10) & 32'h1F) == 32'd11 || \
    (((r) >> 10) & 32'h1F) == 32'd12 || \
    (((r) >> 10) & 32'h1F) == 32'd13 || \
    (((r) >> 10) & 32'h1F) == 32'd14 || \
    (((r) >> 10) & 32'h1F) == 32'd15 || \
    (((r) >> 10) & 32'h1F) == 32'd16 || \
    (((r) >> 10) & 32'h1F) == 32'd17 || \
    (((r) >> 10) & 32'h1F) == 32'd18 || \
    (((r) >> 10) & 32'h1F) == 32'd19 || \
    (((r) >> 10) & 32'h1F) == 32'd20 || \
    (((r) >> 15) & 32'h3) == 32'd3)
`define SY_VPU_CHAIN_OUT_INVALID(r) ((|((r) & 32'hFFFE0088)) || \
    (((r) >> 0) & 32'h7) == 32'd5 || \
    (((r) >> 0) & 32'h7) == 32'd6 || \
    (((r) >> 0) & 32'h7) == 32'd7 || \
    (((r) >> 8) & 32'h7) == 32'd5 || \
    (((r) >> 8) & 32'h7) == 32'd6 || \
    (((r) >> 8) & 32'h7) == 32'd7 || \
    (((r) >> 13) & 32'h3) == 32'd3 || \
    (((r) >> 15) & 32'h3) == 32'd3)
`define SY_VPU_CHAIN_OUT_UNBUILT(r) (1'b0 || \
    (((r) >> 4) & 32'h3) == 32'd3 || \
    (((r) >> 11) & 32'h1) == 32'd1 || \
    (((r) >> 12) & 32'h1) == 32'd1 || \
    (((r) >> 13) & 32'h3) == 32'd1 || \
    (((r) >> 13) & 32'h3) == 32'd2)
`define SY_VPU_ROWS_INVALID(r) ((|((r) & 32'hFFFFFF88)))
`define SY_VPU_ROWS_UNBUILT(r) (1'b0)
`define SY_VPU_TAPS_INVALID(r) ((|((r) & 32'hFFFFE0E0)))
`define SY_VPU_TAPS_UNBUILT(r) (1'b0)
`define SY_LD_FLAGS_INVALID(r) ((|((r) & 32'hFFFFFFF8)))
`define SY_LD_FLAGS_UNBUILT(r) (1'b0)
`define SY_ST_FLAGS_INVALID(r) ((|((r) & 32'hFFFFFFF8)))
`define SY_ST_FLAGS_UNBUILT(r) (1'b0)

// Errors.
`define SY_ERROR_NONE 8'h00
`define SY_ERROR_FIELD 8'h01
`define SY_ERROR_UNIMPLEMENTED 8'h02
`define SY_ERROR_COUNT 8'h03
`define SY_ERROR_RANGE 8'h04
`define SY_ERROR_REVISIT 8'h05
`define SY_ERROR_OVERLAP 8'h06
`define SY_ERROR_SELF_CONFLICT 8'h07
`define SY_ERROR_SEM_RANGE 8'h08
`define SY_ERROR_SEM_OVERFLOW 8'h09
`define SY_ERROR_AXI 8'h0A
`define SY_ERROR_TRAP 8'h0B

// Counters: what a unit does in a cycle.
`define SY_COUNTER_BUSY 4'd0
`define SY_COUNTER_LOAD 4'd1
`define SY_COUNTER_DRAM_BW 4'd2
`define SY_COUNTER_DRAM_LAT 4'd3
`define SY_COUNTER_BANK 4'd4
`define SY_COUNTER_SEM 4'd5
`define SY_COUNTER_DRAIN 4'd6
`define SY_COUNTER_DECODE 4'd7
`define SY_COUNTER_EMPTY 4'd8
`define SY_COUNTER_HALTED 4'd9
`define SY_N_COUNTERS 10

// Cycles of the core's instruction classes.
`define SY_CYCLES_ALU 1
`define SY_CYCLES_MUL 2
`define SY_CYCLES_DIV 18
`define SY_CYCLES_LOAD 2
`define SY_CYCLES_STORE 1
`define SY_CYCLES_BRANCH 1
`define SY_CYCLES_TAKEN 2
`define SY_CYCLES_CSR 1
`define SY_CYCLES_TRAP 2
`define SY_CYCLES_XSYSTOLE 1

// Control and status registers; counter k of unit u is at SY_CSR_COUNTERS + 16 u + k.
`define SY_CSR_MSTATUS 12'h300
`define SY_CSR_MISA 12'h301
`define SY_CSR_MIE 12'h304
`define SY_CSR_MTVEC 12'h305
`define SY_CSR_MSTATUSH 12'h310
`define SY_CSR_MSCRATCH 12'h340
`define SY_CSR_MEPC 12'h341
`define SY_CSR_MCAUSE 12'h342
`define SY_CSR_MTVAL 12'h343
`define SY_CSR_MIP 12'h344
`define SY_CSR_TSELECT 12'h7A0
`define SY_CSR_TDATA1 12'h7A1
`define SY_CSR_TDATA2 12'h7A2
`define SY_CSR_TDATA3 12'h7A3
`define SY_CSR_MCYCLE 12'hB00
`define SY_CSR_MINSTRET 12'hB02
`define SY_CSR_MCYCLEH 12'hB80
`define SY_CSR_MINSTRETH 12'hB82
`define SY_CSR_CYCLE 12'hC00
`define SY_CSR_TIME 12'hC01
`define SY_CSR_INSTRET 12'hC02
`define SY_CSR_CYCLEH 12'hC80
`define SY_CSR_TIMEH 12'hC81
`define SY_CSR_INSTRETH 12'hC82
`define SY_CSR_MVENDORID 12'hF11
`define SY_CSR_MARCHID 12'hF12
`define SY_CSR_MIMPID 12'hF13
`define SY_CSR_MHARTID 12'hF14
`define SY_CSR_MCONFIGPTR 12'hF15
`define SY_CSR_COUNTERS 12'hFC0
`define SY_MISA_VALUE 32'h40801100

// Exceptions: mcause.
`define SY_EXCEPTION_FETCH_MISALIGNED 32'h00000000
`define SY_EXCEPTION_FETCH_FAULT 32'h00000001
`define SY_EXCEPTION_ILLEGAL 32'h00000002
`define SY_EXCEPTION_BREAKPOINT 32'h00000003
`define SY_EXCEPTION_LOAD_MISALIGNED 32'h00000004
`define SY_EXCEPTION_LOAD_FAULT 32'h00000005
`define SY_EXCEPTION_STORE_MISALIGNED 32'h00000006
`define SY_EXCEPTION_STORE_FAULT 32'h00000007
`define SY_EXCEPTION_ECALL 32'h0000000B

// Memories: number of host register MEM_SELECT; base address for the core.
`define SY_MEMORY_IMEM 32'h00000000
`define SY_IMEM_BASE 32'h00000000
`define SY_MEMORY_DMEM 32'h00000001
`define SY_DMEM_BASE 32'h10000000
`define SY_MEMORY_SPM 32'h00000002
`define SY_SPM_BASE 32'h00000000
`define SY_MEMORY_ACC 32'h00000003
`define SY_ACC_BASE 32'h00000000

// RV32: (word & _MASK) == _MATCH.
`define SY_RV_LUI_MATCH 32'h00000037
`define SY_RV_LUI_MASK 32'h0000007F
`define SY_RV_AUIPC_MATCH 32'h00000017
`define SY_RV_AUIPC_MASK 32'h0000007F
`define SY_RV_JAL_MATCH 32'h0000006F
`define SY_RV_JAL_MASK 32'h0000007F
`define SY_RV_JALR_MATCH 32'h00000067
`define SY_RV_JALR_MASK 32'h0000707F
`define SY_RV_BEQ_MATCH 32'h00000063
`define SY_RV_BEQ_MASK 32'h0000707F
`define SY_RV_BNE_MATCH 32'h00001063
`define SY_RV_BNE_MASK 32'h0000707F
`define SY_RV_BLT_MATCH 32'h00004063
`define SY_RV_BLT_MASK 32'h0000707F
`define SY_RV_BGE_MATCH 32'h00005063
`define SY_RV_BGE_MASK 32'h0000707F
`define SY_RV_BLTU_MATCH 32'h00006063
`define SY_RV_BLTU_MASK 32'h0000707F
`define SY_RV_BGEU_MATCH 32'h00007063
`define SY_RV_BGEU_MASK 32'h0000707F
`define SY_RV_LB_MATCH 32'h00000003
`define SY_RV_LB_MASK 32'h0000707F
`define SY_RV_LH_MATCH 32'h00001003
`define SY_RV_LH_MASK 32'h0000707F
`define SY_RV_LW_MATCH 32'h00002003
`define SY_RV_LW_MASK 32'h0000707F
`define SY_RV_LBU_MATCH 32'h00004003
`define SY_RV_LBU_MASK 32'h0000707F
`define SY_RV_LHU_MATCH 32'h00005003
`define SY_RV_LHU_MASK 32'h0000707F
`define SY_RV_SB_MATCH 32'h00000023
`define SY_RV_SB_MASK 32'h0000707F
`define SY_RV_SH_MATCH 32'h00001023
`define SY_RV_SH_MASK 32'h0000707F
`define SY_RV_SW_MATCH 32'h00002023
`define SY_RV_SW_MASK 32'h0000707F
`define SY_RV_ADDI_MATCH 32'h00000013
`define SY_RV_ADDI_MASK 32'h0000707F
`define SY_RV_SLTI_MATCH 32'h00002013
`define SY_RV_SLTI_MASK 32'h0000707F
`define SY_RV_SLTIU_MATCH 32'h00003013
`define SY_RV_SLTIU_MASK 32'h0000707F
`define SY_RV_XORI_MATCH 32'h00004013
`define SY_RV_XORI_MASK 32'h0000707F
`define SY_RV_ORI_MATCH 32'h00006013
`define SY_RV_ORI_MASK 32'h0000707F
`define SY_RV_ANDI_MATCH 32'h00007013
`define SY_RV_ANDI_MASK 32'h0000707F
`define SY_RV_SLLI_MATCH 32'h00001013
`define SY_RV_SLLI_MASK 32'hFE00707F
`define SY_RV_SRLI_MATCH 32'h00005013
`define SY_RV_SRLI_MASK 32'hFE00707F
`define SY_RV_SRAI_MATCH 32'h40005013
`define SY_RV_SRAI_MASK 32'hFE00707F
`define SY_RV_ADD_MATCH 32'h00000033
`define SY_RV_ADD_MASK 32'hFE00707F
`define SY_RV_SUB_MATCH 32'h40000033
`define SY_RV_SUB_MASK 32'hFE00707F
`define SY_RV_SLL_MATCH 32'h00001033
`define SY_RV_SLL_MASK 32'hFE00707F
`define SY_RV_SLT_MATCH 32'h00002033
`define SY_RV_SLT_MASK 32'hFE00707F
`define SY_RV_SLTU_MATCH 32'h00003033
`define SY_RV_SLTU_MASK 32'hFE00707F
`define SY_RV_XOR_MATCH 32'h00004033
`define SY_RV_XOR_MASK 32'hFE00707F
`define SY_RV_SRL_MATCH 32'h00005033
`define SY_RV_SRL_MASK 32'hFE00707F
`define SY_RV_SRA_MATCH 32'h40005033
`define SY_RV_SRA_MASK 32'hFE00707F
`define SY_RV_OR_MATCH 32'h00006033
`define SY_RV_OR_MASK 32'hFE00707F
`define SY_RV_AND_MATCH 32'h00007033
`define SY_RV_AND_MASK 32'hFE00707F
`define SY_RV_FENCE_MATCH 32'h0000000F
`define SY_RV_FENCE_MASK 32'h0000707F
`define SY_RV_FENCE_I_MATCH 32'h0000100F
`define SY_RV_FENCE_I_MASK 32'h0000707F
`define SY_RV_ECALL_MATCH 32'h00000073
`define SY_RV_ECALL_MASK 32'hFFFFFFFF
`define SY_RV_EBREAK_MATCH 32'h00100073
`define SY_RV_EBREAK_MASK 32'hFFFFFFFF
`define SY_RV_MRET_MATCH 32'h30200073
`define SY_RV_MRET_MASK 32'hFFFFFFFF
`define SY_RV_WFI_MATCH 32'h10500073
`define SY_RV_WFI_MASK 32'hFFFFFFFF
`define SY_RV_CSRRW_MATCH 32'h00001073
`define SY_RV_CSRRW_MASK 32'h0000707F
`define SY_RV_CSRRS_MATCH 32'h00002073
`define SY_RV_CSRRS_MASK 32'h0000707F
`define SY_RV_CSRRC_MATCH 32'h00003073
`define SY_RV_CSRRC_MASK 32'h0000707F
`define SY_RV_CSRRWI_MATCH 32'h00005073
`define SY_RV_CSRRWI_MASK 32'h0000707F
`define SY_RV_CSRRSI_MATCH 32'h00006073
`define SY_RV_CSRRSI_MASK 32'h0000707F
`define SY_RV_CSRRCI_MATCH 32'h00007073
`define SY_RV_CSRRCI_MASK 32'h0000707F
`define SY_RV_MUL_MATCH 32'h02000033
`define SY_RV_MUL_MASK 32'hFE00707F
`define SY_RV_MULH_MATCH 32'h02001033
`define SY_RV_MULH_MASK 32'hFE00707F
`define SY_RV_MULHSU_MATCH 32'h02002033
`define SY_RV_MULHSU_MASK 32'hFE00707F
`define SY_RV_MULHU_MATCH 32'h02003033
`define SY_RV_MULHU_MASK 32'hFE00707F
`define SY_RV_DIV_MATCH 32'h02004033
`define SY_RV_DIV_MASK 32'hFE00707F
`define SY_RV_DIVU_MATCH 32'h02005033
`define SY_RV_DIVU_MASK 32'hFE00707F
`define SY_RV_REM_MATCH 32'h02006033
`define SY_RV_REM_MASK 32'hFE00707F
`define SY_RV_REMU_MATCH 32'h02007033
`define SY_RV_REMU_MASK 32'hFE00707F

// Host port: byte offsets of registers, their fields.
`define SY_HOST_ID 12'h000
`define SY_HOST_CTRL 12'h004
`define SY_HOST_STATUS 12'h008
`define SY_HOST_ENTRY 12'h00C
`define SY_HOST_EXIT_CODE 12'h010
`define SY_HOST_ERROR 12'h014
`define SY_HOST_ERROR_COMMAND 12'h018
`define SY_HOST_CYCLES 12'h01C
`define SY_HOST_CYCLES_HIGH 12'h020
`define SY_HOST_CONFIG_HASH 12'h024
`define SY_HOST_CONFIG_HASH_HI 12'h028
`define SY_HOST_ISA_HASH 12'h02C
`define SY_HOST_ISA_HASH_HI 12'h030
`define SY_HOST_MEM_SELECT 12'h034
`define SY_HOST_MEM_ADDR 12'h038
`define SY_HOST_MEM_DATA 12'h03C
`define SY_HOST_CORE_MAP 12'h040
`define SY_HOST_CORE_BASE 12'h044
`define SY_HOST_CORE_WATCH 12'h048
`define SY_HOST_COUNTERS 12'h400
`define SY_HOST_ID_VALUE 32'h53595354
`define SY_HOST_CTRL_START_LOW 0
`define SY_HOST_CTRL_START_WIDTH 1
`define SY_HOST_CTRL_START_BITS 0
`define SY_HOST_STATUS_RUNNING_LOW 0
`define SY_HOST_STATUS_RUNNING_WIDTH 1
`define SY_HOST_STATUS_RUNNING_BITS 0
`define SY_HOST_STATUS_DONE_LOW 1
`define SY_HOST_STATUS_DONE_WIDTH 1
`define SY_HOST_STATUS_DONE_BITS 1
`define SY_HOST_STATUS_ERROR_LOW 2
`define SY_HOST_STATUS_ERROR_WIDTH 1
`define SY_HOST_STATUS_ERROR_BITS 2
`define SY_HOST_STATUS_DEADLOCK_LOW 3
`define SY_HOST_STATUS_DEADLOCK_WIDTH 1
`define SY_HOST_STATUS_DEADLOCK_BITS 3
`define SY_HOST_CORE_MAP_UNIFIED_LOW 0
`define SY_HOST_CORE_MAP_UNIFIED_WIDTH 1
`define SY_HOST_CORE_MAP_UNIFIED_BITS 0
`define SY_HOST_CORE_MAP_WATCH_LOW 1
`define SY_HOST_CORE_MAP_WATCH_WIDTH 1
`define SY_HOST_CORE_MAP_WATCH_BITS 1
`define SY_HOST_ERROR_CODE_LOW 0
`define SY_HOST_ERROR_CODE_WIDTH 8
`define SY_HOST_ERROR_CODE_BITS 7:0
`define SY_HOST_ERROR_UNIT_LOW 8
`define SY_HOST_ERROR_UNIT_WIDTH 8
`define SY_HOST_ERROR_UNIT_BITS 15:8

// Configuration keys: the default of each; the parameter is SECTION_KEY.
`define SY_DEFAULT_ARRAY_DIM 16
`define SY_DEFAULT_ARRAY_ELEMENT 0
`define SY_DEFAULT_SPM_BANKS 16
`define SY_DEFAULT_SPM_BANK_BYTES 16384
`define SY_DEFAULT_ACC_BANKS 4
`define SY_DEFAULT_ACC_BANK_BYTES 16384
`define SY_DEFAULT_QUEUE_DEPTH 8
`define SY_DEFAULT_SEMAPHORE_COUNT 32
`define SY_DEFAULT_SEMAPHORE_BITS 8
`define SY_DEFAULT_POST_DEPTH 4
`define SY_DEFAULT_CORE_IMEM_BYTES 65536
`define SY_DEFAULT_CORE_DMEM_BYTES 65536
`define SY_DEFAULT_DRAM_BYTES_PER_CYCLE 16
`define SY_DEFAULT_DRAM_LATENCY 100
`define SY_DEFAULT_DRAM_OUTSTANDING 32
`define SY_DEFAULT_DRAM_MAX_BURST_BYTES 64
`define SY_DEFAULT_DRAM_SIZE_MIB 256
`define SY_DEFAULT_DRAM_MODEL 0
`define SY_DEFAULT_DRAM_CLOCK_MHZ 1000
`define SY_DEFAULT_DRAM_CHANNELS 1
`define SY_DEFAULT_DRAM_GROUPS 1
`define SY_DEFAULT_DRAM_BANKS 8
`define SY_DEFAULT_DRAM_ROW_BYTES 4096
`define SY_DEFAULT_DRAM_ATOM_BYTES 64
`define SY_DEFAULT_DRAM_MAPPING 1
`define SY_DEFAULT_DRAM_PAGE 0
`define SY_DEFAULT_DRAM_T_ATOM 5
`define SY_DEFAULT_DRAM_T_CCD_S 5
`define SY_DEFAULT_DRAM_T_CCD_L 5
`define SY_DEFAULT_DRAM_T_RCD 18
`define SY_DEFAULT_DRAM_T_RP 18
`define SY_DEFAULT_DRAM_T_RP_ALL 21
`define SY_DEFAULT_DRAM_T_RAS 42
`define SY_DEFAULT_DRAM_T_RC 63
`define SY_DEFAULT_DRAM_T_RRD_S 10
`define SY_DEFAULT_DRAM_T_RRD_L 10
`define SY_DEFAULT_DRAM_T_FAW 40
`define SY_DEFAULT_DRAM_T_CL 21
`define SY_DEFAULT_DRAM_T_CWL 9
`define SY_DEFAULT_DRAM_T_RTP 8
`define SY_DEFAULT_DRAM_T_WR 19
`define SY_DEFAULT_DRAM_T_WTR_S 11
`define SY_DEFAULT_DRAM_T_WTR_L 11
`define SY_DEFAULT_DRAM_T_RTW 19
`define SY_DEFAULT_DRAM_T_REFI 3904
`define SY_DEFAULT_DRAM_T_RFC 280
`define SY_DEFAULT_DMA_LOAD_BEATS 128
`define SY_DEFAULT_DMA_STORE_BEATS 32
`define SY_DEFAULT_PIPELINE_CHECK_CYCLES 2
`define SY_DEFAULT_PIPELINE_VPU_STAGES 32
`define SY_DEFAULT_PIPELINE_COMMANDS 4

// Elementary functions: fn_unit's numbers, and where each begins in fn_rom.
`define SY_FN_EXP2 4'd0
`define SY_FN_LOG2 4'd1
`define SY_FN_RECIP 4'd2
`define SY_FN_RSQRT 4'd3
`define SY_FN_SQRT 4'd4
`define SY_FN_TANH 4'd5
`define SY_FN_SIGMOID 4'd6
`define SY_FN_ERF 4'd7
`define SY_FN_PHI 4'd8
`define SY_FN_ROM_EXP2 10'd0
`define SY_FN_ROM_LOG2 10'd32
`define SY_FN_ROM_RECIP 10'd64
`define SY_FN_ROM_RSQRT 10'd128
`define SY_FN_ROM_SQRT 10'd192
`define SY_FN_ROM_TANH 10'd224
`define SY_FN_ROM_SIGMOID 10'd240
`define SY_FN_ROM_ERF 10'd496

`endif
