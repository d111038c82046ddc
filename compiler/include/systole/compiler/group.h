/*
 * group.h -- what the scheduler schedules: device tensors and groups (one fused operator each).
 *
 * A device tensor is int8, or bf16 on a machine with such elements, channel-block-major: [N][C/D][H][W][D], a row is D channels of one
 * position. Lanes beyond C hold something, never nothing: a consumer that sums over channels has
 * zero weights there. Placement makes groups from graph nodes (lower.h); the scheduler turns a
 * group into commands (schedule.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_COMPILER_GROUP_H
#define SYSTOLE_COMPILER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "systole/base/arena.h"
#include "systole/base/diag.h"
#include "systole/isa/config.h"

/*
 * A tensor in DRAM. Views of it (Reshape, Flatten, ...) are the same device tensor.
 * Folded: the logical tensor is [w][c] (a matrix, or images of 1 x 1), the positions lie along w,
 * and n = h = 1.
 */
typedef struct cc_tensor {
    const char *name; /* of the value that made it */
    int64_t n, c, h, w;
    bool folded;
    bool dense; /* [n][h][w][c], rows of c bytes: the host's input of a packed convolution, which
                   alone reads it */
    int64_t blocks;   /* ceil(c / D) */
    int64_t rows;     /* n * blocks * h * w */
    uint64_t address; /* DRAM bytes, a multiple of the beat; set by cc_place_memory */
    bool host;        /* the host writes or reads it: it keeps its place for the whole program */
    bool placed;      /* address is set */
} cc_tensor;

/* A constant block of DRAM bytes: packed weights, biases, scales. */
typedef struct cc_blob {
    uint64_t address; /* set by cc_place_memory */
    uint64_t n_bytes;
    uint8_t *bytes;
} cc_blob;

#define CC_TABLE_BYTES 256 /* of a function of an int8 number */

typedef enum cc_group_kind {
    CC_GROUP_MATMUL, /* convolution or matrix product, epilogue, optional residual */
    CC_GROUP_POOL,   /* maximum or mean over windows */
    CC_GROUP_STREAM, /* one pass of rows through the VPU */
    CC_GROUP_PAD,    /* spatial padding */
    CC_GROUP_CONCAT, /* channels joined */
    CC_GROUP_DEPTHWISE, /* convolution of each channel with itself, by the VPU's window */
    CC_GROUP_NORM,      /* softmax or layer normalisation over the channels */
    CC_GROUP_ATTENTION  /* two products with a softmax between */
} cc_group_kind;

/* A window over H and W. */
typedef struct cc_window {
    int64_t kh, kw, stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad_top, pad_left;
} cc_window;

/* Integer output: clamp(rne(v) + zero, lo, hi). */
typedef struct cc_requant {
    int32_t zero, lo, hi;
} cc_requant;

/* The function behind an int8 product: 256 results in its blob of constants, by the low byte of what is rounded (without the
 * product's zero point). */
typedef struct cc_table {
    bool used;
    uint64_t offset; /* in the constants */
    cc_requant y;
} cc_table;

/* fp32 stages of the VPU: register chain_fp and the immediates that it uses. */
typedef struct cc_chain {
    uint32_t fp;
    float add1, mul1, mul2, add2, clip_lo, clip_hi;
} cc_chain;

/* What one out block (D output channels) of a matmul group needs. */
typedef struct cc_out_block {
    int64_t first_block, n_blocks; /* of the input's channel blocks (all of them unless the
                                      convolution has groups) */
    uint64_t weights;   /* offset in the weight blob: [input block][tap][D rows][D lanes] */
    uint64_t constants; /* offset in the constant blob: bias int32 [D], scale fp32 [D] */
} cc_out_block;

typedef struct cc_matmul {
    cc_window window;
    bool packed; /* x is dense: LD gathers each output's window into rows of D of its kh * kw * c
                    values; blocks are of those */
    bool flat;   /* x is [n][blocks][h][w] read as n positions of blocks * h * w channel blocks
                    (Flatten before a Gemm) */
    int32_t x_zero;
    bool w_activation; /* weights are the device tensor `w` (two activations), not a blob */
    cc_tensor *w;      /* then: folded, [N/D][batch * K][D], K a multiple of D */
    int32_t w_zero;
    int64_t batch; /* independent products, x and y folded with batch * M positions; else 1 */
    cc_blob weights, constants;
    cc_out_block *out_blocks; /* [y->blocks] */
    cc_requant y;        /* of the product itself: becomes the mid clamp if there is a residual */
    cc_tensor *residual; /* NULL: none */
    int32_t residual_zero;
    float mid_scale,
        residual_scale; /* y = rne(fl(fl(q^ * mid_scale) + fl(r^ * residual_scale))) + ... */
    cc_requant sum;
    cc_table table; /* not with a residual */
    bool is_bf16; /* sums are fp32; row registers add1 (bias) and mul2 are loaded */
    cc_chain chain; /* bf16: what follows the bias */
} cc_matmul;

/* Constants of a channel block: weight rows of the window, then row registers (int8: iadd, mul1; bf16: add1, mul2). */
typedef struct cc_depthwise {
    cc_window window;
    int32_t x_zero;
    cc_blob constants; /* [block][rows], then the table */
    cc_requant y;
    cc_table table;
    bool is_bf16;
    cc_chain chain;
} cc_depthwise;

/* Over the channels of each position. bf16 alone. */
typedef struct cc_norm {
    bool is_softmax;
    float epsilon;     /* layer normalisation */
    cc_blob constants; /* the same: row registers mul2 (scale), add2 (bias) of each block */
} cc_norm;

/* x is q; the last axes are heads * size. bf16 alone. */
typedef struct cc_attention {
    cc_tensor *k, *v;
    cc_tensor *mask;       /* added to the scores, channels are keys; NULL: none */
    cc_blob mask_constant; /* its bytes; n_bytes 0: it is no constant */
    int64_t mask_pictures, mask_queries; /* 1: the same for all */
    int64_t batch, heads;
    float scale;
} cc_attention;

typedef struct cc_pool {
    cc_window window;
    bool average;
    bool count_include_pad; /* average: the divisor is the whole window (all of it inside pads or
                               ceil_mode's excess is not counted) */
    bool is_bf16;
    int64_t pad_bottom, pad_right; /* where the counted padding ends */
    int32_t x_zero;
    float x_scale, y_scale; /* average */
    cc_requant y;
} cc_pool;

typedef enum cc_stream_op {
    CC_STREAM_REQUANT,
    CC_STREAM_ADD,
    CC_STREAM_MUL,
    CC_STREAM_CLAMP,
    CC_STREAM_TABLE,
    CC_STREAM_CHAIN /* bf16: the chain below; B enters where it says */
} cc_stream_op;

/*
 * The second operand of ADD and MUL: a device tensor, or a constant packed as one. Its images, rows
 * and columns may be 1 where y has more, or it is folded where y is not (one pixel for each image):
 * then it is broadcast.
 */
typedef struct cc_stream {
    cc_stream_op op;
    cc_tensor *b;       /* ADD, MUL */
    cc_blob b_constant; /* bytes of a constant b; n_bytes 0: b is no constant */
    cc_blob table;      /* TABLE: 256 results by the bits of the int8 operand */
    int32_t a_zero, b_zero;
    float a_scale; /* REQUANT: fl(sx/sy); ADD: fl(sa/sy); MUL: fl(fl(sa*sb)/sy) */
    float b_scale; /* ADD: fl(sb/sy), negated for a difference; CHAIN: 1 or -1 */
    cc_requant y;
    cc_chain chain;
    bool cubic; /* CHAIN: its input is (x * x * c1 + c2) * x of IR_BF16_GELU_..., its B is x */
} cc_stream;

typedef struct cc_pad {
    int64_t top, left;
    int32_t fill;
} cc_pad;

typedef struct cc_concat {
    uint32_t n_parts;
    cc_tensor **parts;
} cc_concat;

typedef struct cc_group {
    cc_group_kind kind;
    const char *name; /* of the graph node */
    uint32_t tag;     /* number of the graph node */
    cc_tensor *x;     /* CONCAT: NULL */
    cc_tensor *y;
    union {
        cc_matmul matmul;
        cc_pool pool;
        cc_stream stream;
        cc_pad pad;
        cc_concat concat;
        cc_depthwise depthwise;
        cc_norm norm;
        cc_attention attention;
    } u;
    uint64_t macs; /* of the operator, padding excluded */
} cc_group;

/* Bytes of a device tensor. */
static inline uint64_t cc_tensor_bytes(const cc_tensor *t, const isa_config *config)
{
    const int64_t row_bytes = isa_config_spm_row_bytes(config);
    return (uint64_t)(t->rows * (t->dense ? t->c * row_bytes / config->d : row_bytes));
}

/* The blocks of constants that a group brings (weights of two activations are none); returns how
 * many. */
uint32_t cc_group_blobs(const cc_group *group, const cc_blob *blobs[2]);

#endif
