/* GENERATED from isa/X.def by isa_gen c -- do not edit. */
/* Regenerate: cmake --build build/dev --target regen */
#ifndef SYSTOLE_ISA_FIELDS_H
#define SYSTOLE_ISA_FIELDS_H

#include <stdint.h>

/* isa_table_hash of the tables this was made from. */
#define ISA_TABLE_HASH UINT64_C(0x7ee8a1d38b36cb3e)

/* Descriptor registers of MXU. */
enum {
    ISA_MXU_A_BASE = 0, /* u32: first SPM row of A in plane 0 */
    ISA_MXU_W_BASE = 1, /* u32: first SPM row of weight plane 0 (D rows, stride 1) */
    ISA_MXU_C_BASE = 2, /* u32: first ACC row */
    ISA_MXU_PLANES = 3, /* u32: weight planes, 1..65535 */
    ISA_MXU_A_PLANE = 4, /* s32: rows from A of one plane to A of the next */
    ISA_MXU_W_PLANE = 5, /* s32: rows from one weight plane to the next */
    ISA_MXU_N0 = 6, /* u32: count of the innermost loop, 1..65535 */
    ISA_MXU_N1 = 7, /* u32: count of loop 1 */
    ISA_MXU_N2 = 8, /* u32: count of loop 2 */
    ISA_MXU_N3 = 9, /* u32: count of the outermost loop */
    ISA_MXU_A_S0 = 10, /* s32: A rows per step of loop 0 */
    ISA_MXU_A_S1 = 11, /* s32: A rows per step of loop 1 */
    ISA_MXU_A_S2 = 12, /* s32: A rows per step of loop 2 */
    ISA_MXU_A_S3 = 13, /* s32: A rows per step of loop 3 */
    ISA_MXU_C_S0 = 14, /* s32: ACC rows per step of loop 0 */
    ISA_MXU_C_S1 = 15, /* s32: ACC rows per step of loop 1 */
    ISA_MXU_C_S2 = 16, /* s32: ACC rows per step of loop 2 */
    ISA_MXU_C_S3 = 17, /* s32: ACC rows per step of loop 3 */
    ISA_MXU_FLAGS = 18, /* bits: see fields */
    ISA_MXU_A_ZERO = 19, /* s32: zero point subtracted from A */
    ISA_MXU_W_ZERO = 20, /* s32: zero point subtracted from the weights */
    ISA_MXU_UNUSED = 21, /* u32: ignored */
    ISA_MXU_N_REGS = 22,
    ISA_MXU_N_PAIRS = 11
};

/* Descriptor registers of VPU. */
enum {
    ISA_VPU_N0 = 0, /* u32: count of the innermost loop, 1..65535 */
    ISA_VPU_N1 = 1, /* u32: count of loop 1 */
    ISA_VPU_N2 = 2, /* u32: count of loop 2 */
    ISA_VPU_N3 = 3, /* u32: count of the outermost loop */
    ISA_VPU_A_BASE = 4, /* u32: first row of A (ROWS, TAPS, TABLE: first SPM row of the constants) */
    ISA_VPU_B_BASE = 5, /* u32: first row of B */
    ISA_VPU_A_S0 = 6, /* s32: A rows per step of loop 0 */
    ISA_VPU_A_S1 = 7, /* s32: A rows per step of loop 1 */
    ISA_VPU_A_S2 = 8, /* s32: A rows per step of loop 2 */
    ISA_VPU_A_S3 = 9, /* s32: A rows per step of loop 3 */
    ISA_VPU_B_S0 = 10, /* s32: B rows per step of loop 0 */
    ISA_VPU_B_S1 = 11, /* s32: B rows per step of loop 1 */
    ISA_VPU_B_S2 = 12, /* s32: B rows per step of loop 2 */
    ISA_VPU_B_S3 = 13, /* s32: B rows per step of loop 3 */
    ISA_VPU_O_BASE = 14, /* u32: first row of the output */
    ISA_VPU_R_BASE = 15, /* u32: first row of the second (reduced) output */
    ISA_VPU_O_S0 = 16, /* s32: output rows per step of loop 0 */
    ISA_VPU_O_S1 = 17, /* s32: output rows per step of loop 1 */
    ISA_VPU_O_S2 = 18, /* s32: output rows per step of loop 2 */
    ISA_VPU_O_S3 = 19, /* s32: output rows per step of loop 3 */
    ISA_VPU_R_S0 = 20, /* s32: second output's rows per step of loop 0 (a reduced loop ignores it) */
    ISA_VPU_R_S1 = 21, /* s32: second output's rows per step of loop 1 */
    ISA_VPU_R_S2 = 22, /* s32: second output's rows per step of loop 2 */
    ISA_VPU_R_S3 = 23, /* s32: second output's rows per step of loop 3 */
    ISA_VPU_CHAIN_IN = 24, /* bits: sources and integer stages */
    ISA_VPU_CHAIN_FP = 25, /* bits: fp32 stages */
    ISA_VPU_CHAIN_OUT = 26, /* bits: outputs and reduction */
    ISA_VPU_ROWS = 27, /* bits: ROWS: which row registers */
    ISA_VPU_A_ZERO = 28, /* s32: zero point subtracted from an integer A, wrapping */
    ISA_VPU_B_ZERO = 29, /* s32: zero point subtracted from an integer B, wrapping */
    ISA_VPU_IADD_IMM = 30, /* s32: integer addend, wrapping */
    ISA_VPU_ADD1_IMM = 31, /* f32: addend of add1 */
    ISA_VPU_MUL1_IMM = 32, /* f32: factor of mul1 */
    ISA_VPU_MUL2_IMM = 33, /* f32: factor of mul2 */
    ISA_VPU_MID_LO = 34, /* s32: lower bound of the mid clamp */
    ISA_VPU_MID_HI = 35, /* s32: upper bound of the mid clamp */
    ISA_VPU_ADD2_IMM = 36, /* f32: addend of add2 */
    ISA_VPU_B_SCALE = 37, /* f32: factor of B */
    ISA_VPU_CLIP_LO = 38, /* f32: lower bound of fn clip; what select and step give else */
    ISA_VPU_CLIP_HI = 39, /* f32: upper bound of fn clip; what step gives above zero */
    ISA_VPU_O_LO = 40, /* s32: lower bound of an integer output */
    ISA_VPU_O_HI = 41, /* s32: upper bound of an integer output */
    ISA_VPU_R_LO = 42, /* s32: lower bound of an integer second output */
    ISA_VPU_R_HI = 43, /* s32: upper bound of an integer second output */
    ISA_VPU_O_ZERO = 44, /* s32: zero point added to an integer output */
    ISA_VPU_R_ZERO = 45, /* s32: zero point added to an integer second output */
    ISA_VPU_R_MUL = 46, /* f32: factor of the second output */
    ISA_VPU_R_ADD = 47, /* f32: addend of the second output */
    ISA_VPU_TAIL = 48, /* u32: valid lanes of the rows in the last step of loop 0; 0: all */
    ISA_VPU_WIN_OUT = 49, /* u32: window: outputs of a line */
    ISA_VPU_WIN_TOP = 50, /* u32: window: padding rows above the first row of A */
    ISA_VPU_WIN_ROWS = 51, /* u32: window: rows of A's plane */
    ISA_VPU_TAPS = 52, /* bits: TAPS: which weights of the window */
    ISA_VPU_UNUSED = 53, /* u32: ignored */
    ISA_VPU_N_REGS = 54,
    ISA_VPU_N_PAIRS = 27
};

/* Descriptor registers of LD. */
enum {
    ISA_LD_ADDR_LO = 0, /* u32: DRAM byte address, low 32 bits */
    ISA_LD_ADDR_HI = 1, /* u32: DRAM byte address, high bits */
    ISA_LD_N0 = 2, /* u32: bytes of a run (loop 0, contiguous), 1..16777215 */
    ISA_LD_N1 = 3, /* u32: count of loop 1, 1..65535 */
    ISA_LD_N2 = 4, /* u32: count of loop 2 */
    ISA_LD_N3 = 5, /* u32: count of loop 3 */
    ISA_LD_S1 = 6, /* s32: bytes per step of loop 1 */
    ISA_LD_S2 = 7, /* s32: bytes per step of loop 2 */
    ISA_LD_S3 = 8, /* s32: bytes per step of loop 3 */
    ISA_LD_FLAGS = 9, /* bits: see fields */
    ISA_LD_LO0 = 10, /* u32: first valid byte of a run */
    ISA_LD_HI0 = 11, /* u32: end of the valid bytes of a run */
    ISA_LD_LO1 = 12, /* u32: first valid index of loop 1 */
    ISA_LD_HI1 = 13, /* u32: end of the valid indices of loop 1 */
    ISA_LD_LO2 = 14, /* u32: first valid index of loop 2 */
    ISA_LD_HI2 = 15, /* u32: end of the valid indices of loop 2 */
    ISA_LD_LO3 = 16, /* u32: first valid index of loop 3 */
    ISA_LD_HI3 = 17, /* u32: end of the valid indices of loop 3 */
    ISA_LD_ROW_BASE = 18, /* u32: first row */
    ISA_LD_FILL = 19, /* u32: byte written where nothing is fetched, 0..255 */
    ISA_LD_M0 = 20, /* u32: rows: count of the innermost loop, 1..65535 */
    ISA_LD_M1 = 21, /* u32: rows: count of loop 1 */
    ISA_LD_M2 = 22, /* u32: rows: count of loop 2 */
    ISA_LD_M3 = 23, /* u32: rows: count of loop 3 */
    ISA_LD_T0 = 24, /* s32: rows per step of row loop 0 */
    ISA_LD_T1 = 25, /* s32: rows per step of row loop 1 */
    ISA_LD_T2 = 26, /* s32: rows per step of row loop 2 */
    ISA_LD_T3 = 27, /* s32: rows per step of row loop 3 */
    ISA_LD_N_REGS = 28,
    ISA_LD_N_PAIRS = 14
};

/* Descriptor registers of ST. */
enum {
    ISA_ST_ADDR_LO = 0, /* u32: DRAM byte address, low 32 bits */
    ISA_ST_ADDR_HI = 1, /* u32: DRAM byte address, high bits */
    ISA_ST_N0 = 2, /* u32: bytes of a run (loop 0, contiguous), 1..16777215 */
    ISA_ST_N1 = 3, /* u32: count of loop 1, 1..65535 */
    ISA_ST_N2 = 4, /* u32: count of loop 2 */
    ISA_ST_N3 = 5, /* u32: count of loop 3 */
    ISA_ST_S1 = 6, /* s32: bytes per step of loop 1 */
    ISA_ST_S2 = 7, /* s32: bytes per step of loop 2 */
    ISA_ST_S3 = 8, /* s32: bytes per step of loop 3 */
    ISA_ST_FLAGS = 9, /* bits: see fields */
    ISA_ST_LO0 = 10, /* u32: first byte of a run that is written */
    ISA_ST_HI0 = 11, /* u32: end of the bytes of a run that are written */
    ISA_ST_LO1 = 12, /* u32: first valid index of loop 1 */
    ISA_ST_HI1 = 13, /* u32: end of the valid indices of loop 1 */
    ISA_ST_LO2 = 14, /* u32: first valid index of loop 2 */
    ISA_ST_HI2 = 15, /* u32: end of the valid indices of loop 2 */
    ISA_ST_LO3 = 16, /* u32: first valid index of loop 3 */
    ISA_ST_HI3 = 17, /* u32: end of the valid indices of loop 3 */
    ISA_ST_ROW_BASE = 18, /* u32: first row */
    ISA_ST_UNUSED = 19, /* u32: ignored */
    ISA_ST_M0 = 20, /* u32: rows: count of the innermost loop, 1..65535 */
    ISA_ST_M1 = 21, /* u32: rows: count of loop 1 */
    ISA_ST_M2 = 22, /* u32: rows: count of loop 2 */
    ISA_ST_M3 = 23, /* u32: rows: count of loop 3 */
    ISA_ST_T0 = 24, /* s32: rows per step of row loop 0 */
    ISA_ST_T1 = 25, /* s32: rows per step of row loop 1 */
    ISA_ST_T2 = 26, /* s32: rows per step of row loop 2 */
    ISA_ST_T3 = 27, /* s32: rows per step of row loop 3 */
    ISA_ST_N_REGS = 28,
    ISA_ST_N_PAIRS = 14
};

/* Bit fields of descriptor registers, and their values. */

/* MXU flags: 1: the first plane adds to ACC; 0: it overwrites */
#define ISA_MXU_FLAGS_ACCUMULATE_LOW 0
#define ISA_MXU_FLAGS_ACCUMULATE_WIDTH 1
#define ISA_MXU_FLAGS_ACCUMULATE_MASK UINT32_C(0x1)

/* MXU flags: A holds uint8 instead of int8 */
#define ISA_MXU_FLAGS_A_UNSIGNED_LOW 1
#define ISA_MXU_FLAGS_A_UNSIGNED_WIDTH 1
#define ISA_MXU_FLAGS_A_UNSIGNED_MASK UINT32_C(0x1)

/* MXU flags: weights hold uint8 instead of int8 */
#define ISA_MXU_FLAGS_W_UNSIGNED_LOW 2
#define ISA_MXU_FLAGS_W_UNSIGNED_WIDTH 1
#define ISA_MXU_FLAGS_W_UNSIGNED_MASK UINT32_C(0x1)

/* VPU chain_in: source of A */
#define ISA_VPU_CHAIN_IN_A_SRC_LOW 0
#define ISA_VPU_CHAIN_IN_A_SRC_WIDTH 2
#define ISA_VPU_CHAIN_IN_A_SRC_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_in_a_src {
    ISA_VPU_CHAIN_IN_A_SRC_NONE = 0, /* constant integer 0 */
    ISA_VPU_CHAIN_IN_A_SRC_SPM = 1, /* rows of SPM: int8; bf16 as fp32, a_zero and iadd are skipped */
    ISA_VPU_CHAIN_IN_A_SRC_ACC_I32 = 2, /* int32 rows of ACC */
    ISA_VPU_CHAIN_IN_A_SRC_ACC_F32 = 3, /* fp32 rows of ACC: a_zero and iadd are skipped */
} isa_vpu_chain_in_a_src;

/* VPU chain_in: source of B */
#define ISA_VPU_CHAIN_IN_B_SRC_LOW 2
#define ISA_VPU_CHAIN_IN_B_SRC_WIDTH 2
#define ISA_VPU_CHAIN_IN_B_SRC_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_in_b_src {
    ISA_VPU_CHAIN_IN_B_SRC_NONE = 0, /* B is +0 */
    ISA_VPU_CHAIN_IN_B_SRC_SPM = 1, /* rows of SPM: int8; bf16 as fp32, b_zero is skipped */
    ISA_VPU_CHAIN_IN_B_SRC_ACC_I32 = 2, /* int32 rows of ACC */
    ISA_VPU_CHAIN_IN_B_SRC_ACC_F32 = 3, /* fp32 rows of ACC: b_zero is skipped */
} isa_vpu_chain_in_b_src;

/* VPU chain_in: integer addend */
#define ISA_VPU_CHAIN_IN_IADD_LOW 4
#define ISA_VPU_CHAIN_IN_IADD_WIDTH 2
#define ISA_VPU_CHAIN_IN_IADD_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_in_iadd {
    ISA_VPU_CHAIN_IN_IADD_NONE = 0, /* nothing */
    ISA_VPU_CHAIN_IN_IADD_IMM = 1, /* iadd_imm */
    ISA_VPU_CHAIN_IN_IADD_ROW = 2, /* row register iadd */
} isa_vpu_chain_in_iadd;

/* VPU chain_in: depthwise window */
#define ISA_VPU_CHAIN_IN_WINDOW_LOW 6
#define ISA_VPU_CHAIN_IN_WINDOW_WIDTH 2
#define ISA_VPU_CHAIN_IN_WINDOW_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_in_window {
    ISA_VPU_CHAIN_IN_WINDOW_OFF = 0, /* no window */
    ISA_VPU_CHAIN_IN_WINDOW_TAPS3 = 1, /* three taps */
    ISA_VPU_CHAIN_IN_WINDOW_TAPS5 = 2, /* five taps */
} isa_vpu_chain_in_window;

/* VPU chain_in: window stride */
#define ISA_VPU_CHAIN_IN_STRIDE2_LOW 8
#define ISA_VPU_CHAIN_IN_STRIDE2_WIDTH 1
#define ISA_VPU_CHAIN_IN_STRIDE2_MASK UINT32_C(0x1)
typedef enum isa_vpu_chain_in_stride2 {
    ISA_VPU_CHAIN_IN_STRIDE2_OFF = 0, /* stride 1 */
    ISA_VPU_CHAIN_IN_STRIDE2_ON = 1, /* stride 2 */
} isa_vpu_chain_in_stride2;

/* VPU chain_in: A's blocks of D rows */
#define ISA_VPU_CHAIN_IN_TRANSPOSE_LOW 9
#define ISA_VPU_CHAIN_IN_TRANSPOSE_WIDTH 1
#define ISA_VPU_CHAIN_IN_TRANSPOSE_MASK UINT32_C(0x1)
typedef enum isa_vpu_chain_in_transpose {
    ISA_VPU_CHAIN_IN_TRANSPOSE_OFF = 0, /* as they lie */
    ISA_VPU_CHAIN_IN_TRANSPOSE_ON = 1, /* transposed */
} isa_vpu_chain_in_transpose;

/* VPU chain_in: padding columns left of a line, below the number of taps */
#define ISA_VPU_CHAIN_IN_WIN_PAD_LOW 10
#define ISA_VPU_CHAIN_IN_WIN_PAD_WIDTH 3
#define ISA_VPU_CHAIN_IN_WIN_PAD_MASK UINT32_C(0x7)

/* VPU chain_in: first kernel row among the window's weights */
#define ISA_VPU_CHAIN_IN_WIN_FIRST_LOW 13
#define ISA_VPU_CHAIN_IN_WIN_FIRST_WIDTH 5
#define ISA_VPU_CHAIN_IN_WIN_FIRST_MASK UINT32_C(0x1F)

/* VPU chain_fp: addend before mul1 */
#define ISA_VPU_CHAIN_FP_ADD1_LOW 0
#define ISA_VPU_CHAIN_FP_ADD1_WIDTH 2
#define ISA_VPU_CHAIN_FP_ADD1_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_add1 {
    ISA_VPU_CHAIN_FP_ADD1_NONE = 0, /* skip */
    ISA_VPU_CHAIN_FP_ADD1_IMM = 1, /* add1_imm */
    ISA_VPU_CHAIN_FP_ADD1_ROW = 2, /* row register add1 */
    ISA_VPU_CHAIN_FP_ADD1_B = 3, /* B after its scale */
} isa_vpu_chain_fp_add1;

/* VPU chain_fp: first factor */
#define ISA_VPU_CHAIN_FP_MUL1_LOW 2
#define ISA_VPU_CHAIN_FP_MUL1_WIDTH 2
#define ISA_VPU_CHAIN_FP_MUL1_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_mul1 {
    ISA_VPU_CHAIN_FP_MUL1_NONE = 0, /* skip */
    ISA_VPU_CHAIN_FP_MUL1_IMM = 1, /* mul1_imm */
    ISA_VPU_CHAIN_FP_MUL1_ROW = 2, /* row register mul1 */
    ISA_VPU_CHAIN_FP_MUL1_B = 3, /* B after its scale */
} isa_vpu_chain_fp_mul1;

/* VPU chain_fp: mid rounding */
#define ISA_VPU_CHAIN_FP_MID_LOW 4
#define ISA_VPU_CHAIN_FP_MID_WIDTH 2
#define ISA_VPU_CHAIN_FP_MID_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_mid {
    ISA_VPU_CHAIN_FP_MID_OFF = 0, /* skip */
    ISA_VPU_CHAIN_FP_MID_CLAMP = 1, /* clamp(rne(v), mid_lo, mid_hi), back to fp32 */
    ISA_VPU_CHAIN_FP_MID_BF16 = 2, /* rounded to bf16 */
} isa_vpu_chain_fp_mid;

/* VPU chain_fp: second factor */
#define ISA_VPU_CHAIN_FP_MUL2_LOW 6
#define ISA_VPU_CHAIN_FP_MUL2_WIDTH 2
#define ISA_VPU_CHAIN_FP_MUL2_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_mul2 {
    ISA_VPU_CHAIN_FP_MUL2_NONE = 0, /* skip */
    ISA_VPU_CHAIN_FP_MUL2_IMM = 1, /* mul2_imm */
    ISA_VPU_CHAIN_FP_MUL2_ROW = 2, /* row register mul2 */
} isa_vpu_chain_fp_mul2;

/* VPU chain_fp: addend after mul2 */
#define ISA_VPU_CHAIN_FP_ADD2_LOW 8
#define ISA_VPU_CHAIN_FP_ADD2_WIDTH 2
#define ISA_VPU_CHAIN_FP_ADD2_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_add2 {
    ISA_VPU_CHAIN_FP_ADD2_NONE = 0, /* skip */
    ISA_VPU_CHAIN_FP_ADD2_IMM = 1, /* add2_imm */
    ISA_VPU_CHAIN_FP_ADD2_ROW = 2, /* row register add2 */
    ISA_VPU_CHAIN_FP_ADD2_B = 3, /* B after its scale */
} isa_vpu_chain_fp_add2;

/* VPU chain_fp: function of v; a NaN gives the canonical NaN but in identity, select, gt, ge, eq */
#define ISA_VPU_CHAIN_FP_FN_LOW 10
#define ISA_VPU_CHAIN_FP_FN_WIDTH 5
#define ISA_VPU_CHAIN_FP_FN_MASK UINT32_C(0x1F)
typedef enum isa_vpu_chain_fp_fn {
    ISA_VPU_CHAIN_FP_FN_IDENTITY = 0, /* v */
    ISA_VPU_CHAIN_FP_FN_RELU = 1, /* v > 0 ? v : +0 */
    ISA_VPU_CHAIN_FP_FN_CLIP = 2, /* v < clip_lo ? clip_lo : v > clip_hi ? clip_hi : v */
    ISA_VPU_CHAIN_FP_FN_MAX = 3, /* v > B ? v : B; NaN also if B is */
    ISA_VPU_CHAIN_FP_FN_EXP2 = 4, /* 2 to the v */
    ISA_VPU_CHAIN_FP_FN_LOG2 = 5, /* binary logarithm */
    ISA_VPU_CHAIN_FP_FN_RECIP = 6, /* 1 / v */
    ISA_VPU_CHAIN_FP_FN_RSQRT = 7, /* 1 / sqrt(v) */
    ISA_VPU_CHAIN_FP_FN_SQRT = 8, /* square root */
    ISA_VPU_CHAIN_FP_FN_TANH = 9, /* hyperbolic tangent */
    ISA_VPU_CHAIN_FP_FN_SIGMOID = 10, /* 1 / (1 + exp(-v)) */
    ISA_VPU_CHAIN_FP_FN_ERF = 11, /* error function */
    ISA_VPU_CHAIN_FP_FN_PHI = 12, /* (1 + erf(v)) / 2 */
    ISA_VPU_CHAIN_FP_FN_MIN = 13, /* v < B ? v : B; NaN also if B is */
    ISA_VPU_CHAIN_FP_FN_ABS = 14, /* v without its sign */
    ISA_VPU_CHAIN_FP_FN_STEP = 15, /* v > 0 ? clip_hi : clip_lo */
    ISA_VPU_CHAIN_FP_FN_SELECT = 16, /* B != 0 ? v : clip_lo (a NaN is not 0) */
    ISA_VPU_CHAIN_FP_FN_GT = 17, /* v > B ? 1 : 0 */
    ISA_VPU_CHAIN_FP_FN_GE = 18, /* v >= B ? 1 : 0 */
    ISA_VPU_CHAIN_FP_FN_EQ = 19, /* v == B ? 1 : 0 */
    ISA_VPU_CHAIN_FP_FN_TABLE = 20, /* the int8 table at the low 8 bits of rne(v); a NaN is entry 0 */
} isa_vpu_chain_fp_fn;

/* VPU chain_fp: factor after the function */
#define ISA_VPU_CHAIN_FP_MUL3_LOW 15
#define ISA_VPU_CHAIN_FP_MUL3_WIDTH 2
#define ISA_VPU_CHAIN_FP_MUL3_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_fp_mul3 {
    ISA_VPU_CHAIN_FP_MUL3_ONE = 0, /* skip */
    ISA_VPU_CHAIN_FP_MUL3_PRE = 1, /* the value before mul2 */
    ISA_VPU_CHAIN_FP_MUL3_ROW = 2, /* row register mul3 */
    ISA_VPU_CHAIN_FP_MUL3_B = 3, /* B after its scale */
} isa_vpu_chain_fp_mul3;

/* VPU chain_out: output */
#define ISA_VPU_CHAIN_OUT_OUT_LOW 0
#define ISA_VPU_CHAIN_OUT_OUT_WIDTH 3
#define ISA_VPU_CHAIN_OUT_OUT_MASK UINT32_C(0x7)
typedef enum isa_vpu_chain_out_out {
    ISA_VPU_CHAIN_OUT_OUT_NONE = 0, /* no output */
    ISA_VPU_CHAIN_OUT_OUT_SPM = 1, /* SPM: int8, the low 8 bits of clamp(rne(v) + o_zero, o_lo, o_hi); bf16, v rounded */
    ISA_VPU_CHAIN_OUT_OUT_I32 = 2, /* ACC: clamp(rne(v) + o_zero, o_lo, o_hi) */
    ISA_VPU_CHAIN_OUT_OUT_F32 = 3, /* ACC: v */
    ISA_VPU_CHAIN_OUT_OUT_RAW = 4, /* ACC: the integer after iadd (source acc_f32: its bits) */
} isa_vpu_chain_out_out;

/* VPU chain_out: reduction */
#define ISA_VPU_CHAIN_OUT_RED_LOW 4
#define ISA_VPU_CHAIN_OUT_RED_WIDTH 2
#define ISA_VPU_CHAIN_OUT_RED_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_out_red {
    ISA_VPU_CHAIN_OUT_RED_NONE = 0, /* no second output */
    ISA_VPU_CHAIN_OUT_RED_SUM = 1, /* sum */
    ISA_VPU_CHAIN_OUT_RED_MAX = 2, /* maximum */
    ISA_VPU_CHAIN_OUT_RED_SUMSQ = 3, /* sum of squares (red_src fp) */
} isa_vpu_chain_out_red;

/* VPU chain_out: what is reduced */
#define ISA_VPU_CHAIN_OUT_RED_SRC_LOW 6
#define ISA_VPU_CHAIN_OUT_RED_SRC_WIDTH 1
#define ISA_VPU_CHAIN_OUT_RED_SRC_MASK UINT32_C(0x1)
typedef enum isa_vpu_chain_out_red_src {
    ISA_VPU_CHAIN_OUT_RED_SRC_INT = 0, /* the integer after iadd */
    ISA_VPU_CHAIN_OUT_RED_SRC_FP = 1, /* the value after mul3 */
} isa_vpu_chain_out_red_src;

/* VPU chain_out: how many inner loops are reduced */
#define ISA_VPU_CHAIN_OUT_RED_LOOPS_LOW 8
#define ISA_VPU_CHAIN_OUT_RED_LOOPS_WIDTH 3
#define ISA_VPU_CHAIN_OUT_RED_LOOPS_MASK UINT32_C(0x7)
typedef enum isa_vpu_chain_out_red_loops {
    ISA_VPU_CHAIN_OUT_RED_LOOPS_ALL0 = 0, /* none: the second output has every row */
    ISA_VPU_CHAIN_OUT_RED_LOOPS_ONE = 1, /* loop 0 */
    ISA_VPU_CHAIN_OUT_RED_LOOPS_TWO = 2, /* loops 0 and 1 */
    ISA_VPU_CHAIN_OUT_RED_LOOPS_THREE = 3, /* loops 0 to 2 */
    ISA_VPU_CHAIN_OUT_RED_LOOPS_FOUR = 4, /* all loops */
} isa_vpu_chain_out_red_loops;

/* VPU chain_out: reduce across lanes too */
#define ISA_VPU_CHAIN_OUT_RED_LANES_LOW 11
#define ISA_VPU_CHAIN_OUT_RED_LANES_WIDTH 1
#define ISA_VPU_CHAIN_OUT_RED_LANES_MASK UINT32_C(0x1)
typedef enum isa_vpu_chain_out_red_lanes {
    ISA_VPU_CHAIN_OUT_RED_LANES_OFF = 0, /* no: each lane has its own result */
    ISA_VPU_CHAIN_OUT_RED_LANES_ON = 1, /* yes: every lane of the second output has the one result */
} isa_vpu_chain_out_red_lanes;

/* VPU chain_out: the second output is the place of the maximum (red max) */
#define ISA_VPU_CHAIN_OUT_RED_INDEX_LOW 12
#define ISA_VPU_CHAIN_OUT_RED_INDEX_WIDTH 1
#define ISA_VPU_CHAIN_OUT_RED_INDEX_MASK UINT32_C(0x1)
typedef enum isa_vpu_chain_out_red_index {
    ISA_VPU_CHAIN_OUT_RED_INDEX_OFF = 0, /* no */
    ISA_VPU_CHAIN_OUT_RED_INDEX_ON = 1, /* yes */
} isa_vpu_chain_out_red_index;

/* VPU chain_out: function of the second output */
#define ISA_VPU_CHAIN_OUT_RED_FN_LOW 13
#define ISA_VPU_CHAIN_OUT_RED_FN_WIDTH 2
#define ISA_VPU_CHAIN_OUT_RED_FN_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_out_red_fn {
    ISA_VPU_CHAIN_OUT_RED_FN_NONE = 0, /* none */
    ISA_VPU_CHAIN_OUT_RED_FN_RECIP = 1, /* 1 / v */
    ISA_VPU_CHAIN_OUT_RED_FN_RSQRT = 2, /* 1 / sqrt(v) */
} isa_vpu_chain_out_red_fn;

/* VPU chain_out: kind of the second output (ignored when red is none) */
#define ISA_VPU_CHAIN_OUT_RED_OUT_LOW 15
#define ISA_VPU_CHAIN_OUT_RED_OUT_WIDTH 2
#define ISA_VPU_CHAIN_OUT_RED_OUT_MASK UINT32_C(0x3)
typedef enum isa_vpu_chain_out_red_out {
    ISA_VPU_CHAIN_OUT_RED_OUT_SPM = 0, /* SPM: int8, the low 8 bits of clamp(rne(v) + r_zero, r_lo, r_hi); bf16, v rounded */
    ISA_VPU_CHAIN_OUT_RED_OUT_I32 = 1, /* ACC: clamp(rne(v) + r_zero, r_lo, r_hi) */
    ISA_VPU_CHAIN_OUT_RED_OUT_F32 = 2, /* ACC: v */
} isa_vpu_chain_out_red_out;

/* VPU taps: first weight row, kernel row * taps + tap */
#define ISA_VPU_TAPS_TAP_FIRST_LOW 0
#define ISA_VPU_TAPS_TAP_FIRST_WIDTH 5
#define ISA_VPU_TAPS_TAP_FIRST_MASK UINT32_C(0x1F)

/* VPU taps: weight rows to load, 1..25 - first; each is one SPM row */
#define ISA_VPU_TAPS_TAP_COUNT_LOW 8
#define ISA_VPU_TAPS_TAP_COUNT_WIDTH 5
#define ISA_VPU_TAPS_TAP_COUNT_MASK UINT32_C(0x1F)

/* VPU rows: first row register: 0 iadd, 1 mul1, 2 add1, 3 mul2, 4 add2, 5 mul3 */
#define ISA_VPU_ROWS_FIRST_LOW 0
#define ISA_VPU_ROWS_FIRST_WIDTH 3
#define ISA_VPU_ROWS_FIRST_MASK UINT32_C(0x7)

/* VPU rows: row registers to load, 1..6 - first; each is 4 D bytes of SPM, little-endian words by lane */
#define ISA_VPU_ROWS_COUNT_LOW 4
#define ISA_VPU_ROWS_COUNT_WIDTH 3
#define ISA_VPU_ROWS_COUNT_MASK UINT32_C(0x7)

/* LD flags: the byte loop at whose end a row is closed */
#define ISA_LD_FLAGS_CLOSE_LOW 0
#define ISA_LD_FLAGS_CLOSE_WIDTH 2
#define ISA_LD_FLAGS_CLOSE_MASK UINT32_C(0x3)

/* LD flags: 1: rows of ACC, 0: rows of SPM */
#define ISA_LD_FLAGS_ACC_LOW 2
#define ISA_LD_FLAGS_ACC_WIDTH 1
#define ISA_LD_FLAGS_ACC_MASK UINT32_C(0x1)

/* ST flags: the byte loop at whose end the rest of a row is dropped */
#define ISA_ST_FLAGS_CLOSE_LOW 0
#define ISA_ST_FLAGS_CLOSE_WIDTH 2
#define ISA_ST_FLAGS_CLOSE_MASK UINT32_C(0x3)

/* ST flags: 1: rows of ACC, 0: rows of SPM */
#define ISA_ST_FLAGS_ACC_LOW 2
#define ISA_ST_FLAGS_ACC_WIDTH 1
#define ISA_ST_FLAGS_ACC_MASK UINT32_C(0x1)

/* Control and status registers. */
enum {
    ISA_CSR_MSTATUS = 0x300, /* RW: MIE (bit 3) and MPIE (bit 7) are kept; MPP reads 3; other bits read 0 */
    ISA_CSR_MISA = 0x301, /* RO: 0x40801100: RV32, I, M, X */
    ISA_CSR_MIE = 0x304, /* RO: 0: there are no interrupts */
    ISA_CSR_MTVEC = 0x305, /* RW: address of the trap handler, direct mode; the low two bits read 0; 0 stops the core on an exception */
    ISA_CSR_MSTATUSH = 0x310, /* RO: 0 */
    ISA_CSR_MSCRATCH = 0x340, /* RW: free for software */
    ISA_CSR_MEPC = 0x341, /* RW: pc of the instruction that trapped; the low two bits read 0 */
    ISA_CSR_MCAUSE = 0x342, /* RW: number of the exception */
    ISA_CSR_MTVAL = 0x343, /* RW: address or instruction word of the exception */
    ISA_CSR_MIP = 0x344, /* RO: 0 */
    ISA_CSR_TSELECT = 0x7A0, /* RO: 0: there are no triggers; so tdata1 to tdata3 */
    ISA_CSR_TDATA1 = 0x7A1, /* RO: 0 */
    ISA_CSR_TDATA2 = 0x7A2, /* RO: 0 */
    ISA_CSR_TDATA3 = 0x7A3, /* RO: 0 */
    ISA_CSR_MCYCLE = 0xB00, /* RW: cycles since START, or since what was written, low word */
    ISA_CSR_MINSTRET = 0xB02, /* RW: instructions retired since START, or since what was written, low word */
    ISA_CSR_MCYCLEH = 0xB80, /* RW: high word of mcycle */
    ISA_CSR_MINSTRETH = 0xB82, /* RW: high word of minstret */
    ISA_CSR_CYCLE = 0xC00, /* RO: mcycle */
    ISA_CSR_TIME = 0xC01, /* RO: mcycle */
    ISA_CSR_INSTRET = 0xC02, /* RO: minstret */
    ISA_CSR_CYCLEH = 0xC80, /* RO: mcycleh */
    ISA_CSR_TIMEH = 0xC81, /* RO: mcycleh */
    ISA_CSR_INSTRETH = 0xC82, /* RO: minstreth */
    ISA_CSR_MVENDORID = 0xF11, /* RO: 0 */
    ISA_CSR_MARCHID = 0xF12, /* RO: 0 */
    ISA_CSR_MIMPID = 0xF13, /* RO: 0 */
    ISA_CSR_MHARTID = 0xF14, /* RO: 0 */
    ISA_CSR_MCONFIGPTR = 0xF15, /* RO: 0 */
};

#endif
