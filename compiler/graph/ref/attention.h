/*
 * attention.h -- scaled dot-product attention, what the operators around it share.
 *
 * Every operator of the family brings its operands into one form: views of queries, keys and values by image, head, row and
 * column, lengths and frontiers by image, masks that are broadcast. ir_ref_attention_run then computes
 *
 *     s[j] = softcap(scale * q . k[j]) + masks;  p = softmax(s);  y = sum of p[j] v[j]
 *
 * row by row. f32 and f64 compute in double and round where a result is stored. In f16 and bf16 every step of the definition is
 * rounded to that type, as ONNX's function body does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_GRAPH_REF_ATTENTION_H
#define SYSTOLE_GRAPH_REF_ATTENTION_H

#include "ref_internal.h"

/* Element (image, head, row, column) of a tensor lies at base + image * strides[0] + ... + column * strides[3]. */
typedef struct ir_ref_heads {
    const ir_tensor *t;
    int64_t base, strides[4];
} ir_ref_heads;

/* [images, heads, rows, size], contiguous. */
ir_ref_heads ir_ref_heads_split(const ir_tensor *t, int64_t heads, int64_t rows, int64_t size);
/* [images, rows, heads * size], contiguous, from column `first` of `width` columns. */
ir_ref_heads ir_ref_heads_joined(const ir_tensor *t, int64_t rows, int64_t width, int64_t first,
                                 int64_t size);

double ir_ref_heads_get(const ir_ref_heads *h, int64_t image, int64_t head, int64_t row,
                        int64_t column);

/* Rounds to the type and back; f64 stays. */
double ir_ref_round_to(sy_dtype t, double v);

#define IR_REF_NO_WINDOW (-1)

typedef struct ir_ref_attention {
    int64_t images, heads, kv_heads, q_rows, kv_rows, size, v_size;
    ir_ref_heads q, k, v;
    sy_dtype dtype;         /* of the arithmetic's roundings and the result */
    sy_dtype softmax_dtype; /* SY_DT_NONE: dtype */
    double scale;
    bool split_scale; /* its square root on q and on k, as ONNX has it */
    double softcap;   /* 0: none */

    /* Query row i is at position i + offsets[image] among the keys. */
    bool causal;                                    /* keys behind its position are masked */
    int64_t left, right;                            /* so are those farther away than this; IR_REF_NO_WINDOW: no */
    const int64_t *offsets;                         /* [images]; NULL: 0 */
    const int64_t *lengths;                         /* [images]: keys from there on are masked; NULL: none */
    const ir_tensor *masks[2];                      /* NULL: none; bool: false is masked; else added */
    int64_t mask_strides[2][4], mask_rows[2];       /* by image, head, row, column; columns beyond mask_rows are masked */
    const ir_tensor *padding;                       /* integers [images, keys]: 0 adds padding_value; NULL: none */
    double padding_value;
    bool smooth;           /* one more term of score 0 in the softmax's sum */
    const ir_tensor *sink; /* [heads]: one more term of this score; NULL: none */

    ir_tensor *y; /* [images, heads, q_rows, v_size], or joined: [images, q_rows, heads * v_size] */
    bool joined;
    ir_tensor *scores; /* [images, heads, q_rows, kv_rows]; NULL: not wanted */
    int64_t scores_mode; /* 0: the product, 1: after softcap, 2: with masks, 3: after softmax */
} ir_ref_attention;

/* Sets mask n to a tensor of at most four axes, broadcast to [images, heads, q_rows, its own last size]. */
void ir_ref_attention_mask(ir_ref_attention *a, int n, const ir_tensor *mask);

sy_status ir_ref_attention_run(const ir_ref_attention *a, const ir_kernel_args *args);

/*
 * past [images, heads, rows, size] (NULL: none) with `count` new rows of `fresh` behind its first starts[image] rows (NULL: all
 * of them), as out [images, heads, total, size]; what lies behind is zero.
 */
void ir_ref_attention_append(const ir_tensor *past, const ir_ref_heads *fresh, int64_t count,
                             const int64_t *starts, ir_tensor *out);

#endif
