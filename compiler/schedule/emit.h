/*
 * emit.h -- what the schedulers of all groups share: the semaphores' names, builders of commands,
 * walks between DRAM and rows.
 *
 * Errors stick: after the first one (memory is out) every call does nothing, and sched.status holds
 * it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_EMIT_H
#define SYSTOLE_COMPILER_EMIT_H

#include "schedule.h"
#include "systole/isa/isa.h"

/*
 * Semaphores of compiled programs. All are zero between groups. Each has one unit that posts and
 * one that waits: units run ahead of each other across groups, and a WAIT must not take what was
 * posted for another unit.
 */
enum {
    SCHED_SEM_A_MXU_FULL,
    SCHED_SEM_A_MXU_FREE,
    SCHED_SEM_A_VPU_FULL,
    SCHED_SEM_A_VPU_FREE,
    SCHED_SEM_A_ST_FULL,
    SCHED_SEM_A_ST_FREE,
    SCHED_SEM_W_FULL,
    SCHED_SEM_W_FREE,
    SCHED_SEM_K_FULL,
    SCHED_SEM_K_FREE,
    SCHED_SEM_R_FULL,
    SCHED_SEM_R_FREE,
    SCHED_SEM_C_FULL,
    SCHED_SEM_C_FREE,
    SCHED_SEM_O_FULL,
    SCHED_SEM_O_FREE,
    SCHED_SEM_ZERO,
    SCHED_SEM_P_FULL, /* attention: VPU to MXU */
    SCHED_SEM_DONE,
    SCHED_N_SEMS
};

typedef struct sched {
    base_arena *arena;
    const isa_config *config;
    const cc_group *group;
    cc_program *program;
    base_diag *diag;
    sy_status status;
    /* derived from the configuration */
    int64_t d;
    int64_t element_bytes; /* of SPM */
    int64_t row_bytes;     /* of SPM: d * element_bytes */
    int64_t spm_rows, spm_bank_rows;
    int64_t acc_rows, acc_bank_rows;
    int64_t sem_most; /* the most that a semaphore counts */
} sched;

/* Rows of one load, store or epilogue: what a loop of the machine counts to. */
#define SCHED_MAX_ROWS 65535

/* The smaller, the larger, a / b rounded up, a rounded up to a multiple of b (b > 0). */
int64_t sched_min(int64_t a, int64_t b);
int64_t sched_max(int64_t a, int64_t b);
int64_t sched_div_up(int64_t a, int64_t b);
int64_t sched_round_up(int64_t a, int64_t b);

void sched_wait(sched *s, isa_unit unit, uint32_t semaphore);
void sched_post(sched *s, isa_unit unit, uint32_t semaphore);
void sched_push(sched *s, const cc_command *command);

/* A command of a unit with the group's tag and no registers set. */
cc_command sched_command(const sched *s, isa_op op);

/*
 * A box of a device tensor as bytes of DRAM: `blocks` channel blocks from `block`, rows y..,
 * columns x.. of image n. Rows lie in SPM as [block][y][x]. Parts outside the tensor's rows and
 * columns are allowed (y or x negative, or beyond the end): LD fills them.
 */
typedef struct sched_box {
    const cc_tensor *tensor;
    bool flat; /* the tensor is read as in cc_matmul.flat: x counts images, block counts
                  [block][h][w] */
    int64_t n, block, blocks, y, height, x, width;
} sched_box;

/* LD of a box to SPM row `row`, or ST from there. `fill` is for what lies outside. */
void sched_load(sched *s, const sched_box *box, int64_t row, int32_t fill);
void sched_store(sched *s, const sched_box *box, int64_t row);

/* LD of n_bytes contiguous bytes to SPM row `row`, or ST from there. */
void sched_load_bytes(sched *s, uint64_t address, int64_t n_bytes, int64_t row);
void sched_store_bytes(sched *s, uint64_t address, int64_t n_bytes, int64_t row);

/* ST of lanes [lo, hi) of `rows` rows from `row`: lane l of row r goes to address + r * D + l. */
void sched_store_lanes(sched *s, uint64_t address, int64_t rows, int64_t lo, int64_t hi,
                       int64_t row);

/* Outputs [lo, hi) of one axis whose window meets the input with its taps [tap_lo, tap_hi), and
 * lies with `counted` taps before padded_end. */
typedef struct sched_span {
    int64_t lo, hi, tap_lo, tap_hi, counted;
} sched_span;

/* The span that begins at output o, before `end`. A window that meets no input has tap_lo = kernel,
 * tap_hi = 0. */
sched_span sched_span_at(int64_t o, int64_t end, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t pad, int64_t size, int64_t padded_end);

/*
 * LD of the windows of outputs [y, y + height) x [x, x + width) of image n of a dense tensor: each
 * window's values become `window_rows` rows; an output's rows follow those of the output left of
 * it. What lies outside the image is `fill`.
 */
typedef struct sched_patch {
    const cc_tensor *tensor;
    const cc_window *window;
    int64_t n, y, height, x, width;
    int64_t window_rows;
} sched_patch;

/* Cycles that LD takes for one window of a tensor with c channels, estimated. */
double sched_patch_cycles(const isa_config *config, const cc_window *window, int64_t c);

void sched_load_patch(sched *s, const sched_patch *patch, int64_t row, int32_t fill);

/* Sets the VPU's four counts and the strides of a walk (ISA_VPU_A_S0, ...; innermost first). */
void sched_vpu_counts(cc_command *c, const int64_t counts[4]);
void sched_walk(cc_command *c, unsigned base_register, int64_t base, unsigned stride_register,
                const int64_t strides[4]);
void sched_set_f32(cc_command *c, unsigned reg, float value);

/* Sets register chain_fp and the immediates. */
void sched_chain(cc_command *c, const cc_chain *chain);

/* VPU: writes int32 zeros to `rows` ACC rows from `row`. */
void sched_zero_acc(sched *s, int64_t row, int64_t rows);

/*
 * Before all else in a group: loads the table of fn `table` from CC_TABLE_BYTES at a DRAM address. It goes through `rows` SPM
 * rows from `row`, to which the VPU alone writes in this group; where they are too few, through row 0, and LD waits.
 */
void sched_begin_table(sched *s, uint64_t address, int64_t row, int64_t rows);

/* The stages behind a product's scale that round it, look it up and clamp; returns chain_fp. */
uint32_t sched_set_table(cc_command *c, uint32_t fp, const cc_requant *product);

/* SPM rows of two row registers (bias and scale of a product): 8 D bytes. */
int64_t sched_constant_rows(const sched *s);

/* Fails with SY_ERANGE: "'name' needs ... : what it needs and what there is". */
void sched_too_large(sched *s, const char *what, int64_t needed_rows, int64_t there_rows);

/* One group of each kind. */
void sched_matmul(sched *s);
void sched_pool(sched *s);
void sched_stream(sched *s);
void sched_pad(sched *s);
void sched_concat(sched *s);
void sched_depthwise(sched *s);
void sched_norm(sched *s);
void sched_attention(sched *s);

#endif
