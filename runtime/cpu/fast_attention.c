/*
 * fast_attention.c -- attention by heads and blocks of queries.
 *
 * A task packs the keys of its head as columns and the values as rows of panels (own_sgemm.h),
 * computes the scores of a block of queries, turns each row of them into weights whose sum is not
 * yet 1, multiplies with the values and divides at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attention.h"

#include "own_sgemm.h"

#include <math.h>

#define SCORE_FLOATS                                                                              \
    (64 * 1024) /* aim for the scores of a block: half of the second-level cache is left for keys \
                   and values */
#define MIN_QUERIES 28

typedef struct attention_job {
    const rt_attention *a;
    int64_t block, n_blocks; /* of queries */
    int64_t ld;              /* of the scores */
} attention_job;

static const float *head_of(const rt_heads *h, int64_t batch, int64_t head)
{
    return h->data + batch * h->batch + head * h->head;
}

/* The weights of one query from its scores; returns their sum. Keys beyond *n_seen get weight 0. */
static double weigh(const rt_attention *a, int64_t batch, int64_t head, int64_t query,
                    float *scores)
{
    const rt_simd *simd = rt_simd_best();
    int64_t first = 0, last = a->n_keys;
    if (a->causal) {
        const int64_t end = query + a->causal_offset + 1;
        last = end < 0 ? 0 : end < last ? end : last;
        first = a->window > 0 && end - a->window > 0 ? end - a->window : 0;
    }
    const int64_t n = last > first ? last - first : 0;
    const float *add = a->add != NULL
                           ? a->add + batch * a->add_strides[0] + head * a->add_strides[1] +
                                 query * a->add_strides[2] + first
                           : NULL;
    const uint8_t *keep = a->keep != NULL
                              ? a->keep + batch * a->keep_strides[0] + head * a->keep_strides[1] +
                                    query * a->keep_strides[2] + first
                              : NULL;
    const rt_row_mask mask = {.factor = a->scale,
                              .add = add,
                              .keep = keep,
                              .drop = a->keep_is_drop ? 1 : 0,
                              .add_first = a->add_first,
                              .other = a->other};
    const float largest = simd->mask_row(n, &mask, scores + first);
    const bool blind = a->zero_blind && largest == -INFINITY;
    const double total = blind ? (double)INFINITY
                               : simd->exp_sum(n, scores + first, largest, scores + first);
    for (int64_t i = 0; blind && i < n; i++) {
        scores[first + i] = 0.0f;
    }
    for (int64_t i = 0; i < first; i++) {
        scores[i] = 0.0f;
    }
    for (int64_t i = first + n; i < a->n_keys; i++) {
        scores[i] = 0.0f;
    }
    return total;
}

static sy_status attention_task(void *user, int64_t i, rt_scratch *scratch)
{
    const attention_job *j = user;
    const rt_attention *a = j->a;
    const int64_t block = i % j->n_blocks, head = i / j->n_blocks % a->n_heads,
                  batch = i / j->n_blocks / a->n_heads;
    const int64_t kv = head / (a->n_heads / a->n_kv_heads);
    const int64_t first = block * j->block, left = a->n_queries - first;
    const int64_t rows = left < j->block ? left : j->block;
    rt_gemm scores = {.m = rows,
                      .n = a->n_keys,
                      .k = a->size,
                      .a = head_of(&a->q, batch, head) + first * a->q.row,
                      .a_row = a->q.row,
                      .a_k = a->q.column,
                      .b = head_of(&a->k, batch, kv),
                      .b_k = a->k.column,
                      .b_column = a->k.row,
                      .ldc = j->ld};
    rt_gemm sums = {.m = rows,
                    .n = a->v_size,
                    .k = a->n_keys,
                    .a_row = j->ld,
                    .a_k = 1,
                    .b = head_of(&a->v, batch, kv),
                    .b_k = a->v.row,
                    .b_column = a->v.column,
                    .c = a->y + batch * a->y_at.batch + head * a->y_at.head + first * a->y_at.row,
                    .ldc = a->y_at.row};
    const size_t work = rt_gemm_work_floats(&scores) > rt_gemm_work_floats(&sums)
                            ? rt_gemm_work_floats(&scores)
                            : rt_gemm_work_floats(&sums);
    float *memory = rt_scratch_get(scratch, (work + (size_t)(rows * j->ld)) * sizeof(float));
    if (memory == NULL) {
        return SY_ENOMEM;
    }
    scores.c = memory + work;
    sums.a = scores.c;
    rt_gemm_block(&scores, 0, rows, 0, a->n_keys, memory);
    double totals[MIN_QUERIES * 16];
    for (int64_t r = 0; r < rows; r++) {
        totals[r] = weigh(a, batch, head, first + r, scores.c + r * j->ld);
    }
    rt_gemm_block(&sums, 0, rows, 0, a->v_size, memory);
    for (int64_t r = 0; r < rows; r++) {
        rt_simd_best()->axpb(a->v_size, sums.c + r * sums.ldc, (float)(1.0 / totals[r]), 0.0f,
                             sums.c + r * sums.ldc);
    }
    return SY_OK;
}

sy_status rt_attention_run(const rt_attention *a, const rt_env *env)
{
    attention_job j = {.a = a, .ld = (a->n_keys + 15) / 16 * 16 + 16};
    if (a->n_batch == 0 || a->n_heads == 0 || a->n_queries == 0 || a->v_size == 0) {
        return SY_OK;
    }
    int64_t block = SCORE_FLOATS / j.ld / 14 * 14;
    block = block < MIN_QUERIES ? MIN_QUERIES : block > MIN_QUERIES * 16 ? MIN_QUERIES * 16 : block;
    j.n_blocks = (a->n_queries + block - 1) / block;
    j.block = (a->n_queries + j.n_blocks - 1) / j.n_blocks;
    j.n_blocks = (a->n_queries + j.block - 1) / j.block;
    const double operations = 2.0 * (double)(a->n_batch * a->n_heads) * (double)a->n_queries *
                              (double)a->n_keys * (double)(a->size + a->v_size + 20);
    return rt_pool_run(rt_pool_for(env, operations), a->n_batch * a->n_heads * j.n_blocks,
                       attention_task, &j, env->scratch);
}
