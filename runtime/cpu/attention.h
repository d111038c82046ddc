/*
 * attention.h -- softmax(Q K' * scale + mask) V by heads, fp32, in one pass: scores stay in the
 * cache.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSTOLE_RT_CPU_ATTENTION_H
#define SYSTOLE_RT_CPU_ATTENTION_H

#include "fast_internal.h"

/* Element d of position s of head h of batch b: data[b * batch + h * head + s * row + d * column].
 */
typedef struct rt_heads {
    const float *data;
    int64_t batch, head, row, column;
} rt_heads;

typedef struct rt_attention {
    int64_t n_batch, n_heads,
        n_kv_heads; /* heads h uses keys and values of h / (n_heads / n_kv_heads) */
    int64_t n_queries, n_keys, size, v_size;
    rt_heads q, k, v;
    float *y; /* with the strides of y_at; column 1 */
    rt_heads y_at;
    float scale;
    /* Masks with strides (0: broadcast) over batch, head and query; keys lie side by side. Both may
     * be there. */
    const float *add; /* added to the scaled scores; NULL: none */
    int64_t add_strides[3];
    const uint8_t
        *keep; /* where 0, the score becomes `other`, before or after the addition; NULL: none */
    int64_t keep_strides[3];
    bool keep_is_drop; /* where not 0 */
    bool add_first;
    float other;
    /* Query s sees keys up to s + causal_offset (and none before s + causal_offset - window + 1
     * with window > 0). */
    bool causal;
    int64_t causal_offset, window;
    bool zero_blind; /* a query that sees no key gives zeros, not NaN */
} rt_attention;

sy_status rt_attention_run(const rt_attention *a, const rt_env *env);

#endif
