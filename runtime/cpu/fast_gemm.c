/*
 * fast_gemm.c -- Gemm and MatMul in fp32.
 *
 * Our own product has one order of sums, so it may be cut in any way; constant weights are packed
 * when the plan is made. A library's sums depend on the sizes of a call: with one, work is cut into
 * blocks by shape alone, each one single-threaded call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include "own_sgemm.h"

#include <string.h>

#define TASKS_PER_THREAD 4 /* so that a thread which is late holds up little */

static int64_t at_least_one(int64_t v)
{
    return v > 1 ? v : 1;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static double operations_of(const rt_gemm *g)
{
    return 2.0 * (double)g->m * (double)g->n * (double)g->k;
}

/* ---------------------------------------------------------------- by a library */

typedef struct library_job {
    const rt_env *env;
    const rt_gemm *g;
    bool by_rows; /* chunks are rows of C, else columns */
    int64_t chunk;
} library_job;

static sy_status library_task(void *user, int64_t i, rt_scratch *scratch)
{
    const library_job *j = user;
    const rt_gemm *g = j->g;
    const int64_t at = i * j->chunk;
    const bool trans_a = g->a_k != 1, trans_b = g->b_column != 1;
    float *work = rt_scratch_get(scratch, RT_SGEMM_WORK_FLOATS * sizeof(float));
    if (work == NULL) {
        return SY_ENOMEM;
    }
    const int64_t lda = trans_a ? g->a_k : g->a_row, ldb = trans_b ? g->b_column : g->b_k;
    const int64_t row = j->by_rows ? at : 0, column = j->by_rows ? 0 : at;
    rt_sgemm(&j->env->cpu->blas, work, trans_a, trans_b,
             j->by_rows ? smaller(j->chunk, g->m - at) : g->m,
             j->by_rows ? g->n : smaller(j->chunk, g->n - at), g->k, g->a + row * g->a_row, lda,
             g->b + column * g->b_column, ldb, g->accumulate ? 1.0f : 0.0f,
             g->c + row * g->ldc + column, g->ldc);
    return SY_OK;
}

/* Cut along the longer side of C into at most 8 chunks of at least 64; the epilogue comes after. */
static sy_status by_library(const rt_env *env, const rt_gemm *g)
{
    rt_gemm plain = *g;
    const rt_epilogue *e = &g->epilogue;
    library_job j = {.env = env, .g = &plain, .by_rows = g->m > g->n};
    for (int64_t i = 0; i < g->m && e->bias != NULL && !g->accumulate; i++) {
        memcpy(g->c + i * g->ldc, e->bias, (size_t)g->n * sizeof(float));
        plain.accumulate = true;
    }
    const int64_t size = j.by_rows ? g->m : g->n;
    const int64_t n_chunks = operations_of(g) < 4e6 ? 1 : at_least_one(smaller(8, size / 64));
    j.chunk = at_least_one(((size + n_chunks - 1) / n_chunks + 15) / 16 * 16);
    SY_TRY(rt_pool_run(rt_pool_for(env, operations_of(g)), (size + j.chunk - 1) / j.chunk,
                       library_task, &j, env->scratch));
    const rt_simd *simd = rt_simd_best();
    for (int64_t i = 0; i < g->m; i++) {
        float *row = g->c + i * g->ldc;
        if (e->residual != NULL) {
            simd->add_floats(g->n, e->residual + i * e->residual_ld, 1, row);
        }
        if (e->act != RT_ACT_NONE) {
            simd->activate(e->act, e->a, e->b, g->n, row);
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- by our own kernel */

/* A product, or many of the same sizes, cut into a grid. */
typedef struct own_job {
    const rt_gemm *g;
    const rt_batch *batch; /* NULL: one product */
    int64_t n_row_blocks, n_column_blocks;
    float *panels; /* to pack into */
} own_job;

/* Block i of n of `size`, in whole units. */
static void part(int64_t size, int64_t unit, int64_t i, int64_t n, int64_t *first, int64_t *last)
{
    const int64_t units = (size + unit - 1) / unit;
    *first = units * i / n * unit;
    *last = smaller(size, units * (i + 1) / n * unit);
}

static sy_status own_task(void *user, int64_t i, rt_scratch *scratch)
{
    const own_job *j = user;
    rt_gemm g = *j->g;
    float *work = rt_scratch_get(scratch, rt_gemm_work_floats(&g) * sizeof(float) + 64);
    if (work == NULL) {
        return SY_ENOMEM;
    }
    const int64_t column = i % j->n_column_blocks, row = i / j->n_column_blocks % j->n_row_blocks;
    if (j->batch != NULL) {
        const int64_t n = i / (j->n_column_blocks * j->n_row_blocks);
        g.a += j->batch->a[n];
        g.b += j->batch->b[n];
        g.c += n * g.m * g.n;
        if (g.epilogue.residual != NULL) {
            g.epilogue.residual += n * g.m * g.n;
        }
    }
    int64_t i0, i1, j0, j1;
    part(g.m, RT_TILE_MAX_ROWS, row, j->n_row_blocks, &i0, &i1);
    part(g.n, RT_PANEL, column, j->n_column_blocks, &j0, &j1);
    rt_gemm_block(&g, i0, i1, j0, j1, work);
    return SY_OK;
}

static sy_status pack_task(void *user, int64_t i, rt_scratch *scratch)
{
    const own_job *j = user;
    int64_t first, last;
    (void)scratch;
    part((j->g->n + RT_PANEL - 1) / RT_PANEL, 1, i, j->n_column_blocks, &first, &last);
    rt_gemm_pack(j->g, first, last, j->panels);
    return SY_OK;
}

/* Many rows of an unpacked B would pack it again for each block of them. */
static sy_status pack_whole(const ir_kernel_args *args, const rt_env *env, rt_gemm *g)
{
    const size_t floats = rt_gemm_panel_floats(g->k, g->n);
    own_job j = {.g = g, .n_column_blocks = (g->n + RT_PANEL - 1) / RT_PANEL};
    j.panels = BASE_ARENA_ARRAY(args->scratch, float, floats);
    if (j.panels == NULL) {
        return SY_ENOMEM;
    }
    SY_TRY(rt_pool_run(rt_pool_for(env, (double)floats), j.n_column_blocks, pack_task, &j,
                       env->scratch));
    g->panels = j.panels;
    return SY_OK;
}

sy_status rt_product(const ir_kernel_args *args, const rt_env *env, const rt_gemm *product,
                     const rt_batch *batch)
{
    const int64_t n_batch = batch != NULL ? batch->n : 1;
    rt_gemm g = *product;
    if (g.m == 0 || g.n == 0 || n_batch == 0) {
        return SY_OK;
    }
    if (env->cpu->blas.external && g.panels == NULL && g.fill == NULL) {
        for (int64_t i = 0; i < n_batch; i++) {
            rt_gemm one = g;
            one.a += batch != NULL ? batch->a[i] : 0;
            one.b += batch != NULL ? batch->b[i] : 0;
            one.c += i * g.m * g.n;
            one.epilogue.residual += g.epilogue.residual != NULL ? i * g.m * g.n : 0;
            SY_TRY(by_library(env, &one));
        }
        return SY_OK;
    }
    if (batch == NULL && rt_gemm_wants_panels(&g)) {
        SY_TRY(pack_whole(args, env, &g));
    }
    rt_pool *pool = rt_pool_for(env, operations_of(&g) * (double)n_batch);
    own_job j = {.g = &g, .batch = batch, .n_row_blocks = 1, .n_column_blocks = 1};
    const int64_t n_threads = pool == NULL ? 1 : (int64_t)rt_pool_n_threads(pool);
    const int64_t wanted = n_threads == 1 ? 1 : TASKS_PER_THREAD * n_threads;
    if (n_batch < wanted) {
        const int64_t cuts = (wanted + n_batch - 1) / n_batch;
        const int64_t panels = (g.n + RT_PANEL - 1) / RT_PANEL;
        const int64_t tiles = (g.m + RT_TILE_MAX_ROWS - 1) / RT_TILE_MAX_ROWS;
        /* Columns first, so that a panel is packed, or fetched, by one thread only. */
        j.n_column_blocks = smaller(panels, cuts);
        j.n_row_blocks = panels >= cuts ? 1 : smaller(tiles, (cuts + panels - 1) / panels);
    }
    return rt_pool_run(pool, n_batch * j.n_row_blocks * j.n_column_blocks, own_task, &j,
                       env->scratch);
}

/* ---------------------------------------------------------------- weights */

sy_status rt_pack_weights(const rt_prepare_args *args, const ir_tensor *b, bool trans, float factor,
                          rt_weights **out)
{
    *out = NULL;
    if (b == NULL || b->dtype != SY_DT_F32 || b->rank != 2 || args->cpu->blas.external) {
        return SY_OK;
    }
    const rt_gemm g = {.n = b->dims[trans ? 0 : 1],
                       .k = b->dims[trans ? 1 : 0],
                       .b = b->data,
                       .b_k = trans ? 1 : b->dims[1],
                       .b_column = trans ? b->dims[1] : 1};
    const size_t floats = rt_gemm_panel_floats(g.k, g.n);
    if (floats == 0) {
        return SY_OK;
    }
    rt_weights *w = BASE_ARENA_NEW(args->arena, rt_weights);
    float *panels = BASE_ARENA_ARRAY(args->arena, float, floats);
    if (w == NULL || panels == NULL) {
        return SY_ENOMEM;
    }
    rt_gemm_pack(&g, 0, (g.n + RT_PANEL - 1) / RT_PANEL, panels);
    for (size_t i = 0; factor != 1.0f && i < floats; i++) {
        panels[i] *= factor;
    }
    *w = (rt_weights){.k = g.k, .n = g.n, .panels = panels};
    *out = w;
    return SY_OK;
}

/* ---------------------------------------------------------------- Gemm */

sy_status rt_fast_prepare_GEMM(const rt_prepare_args *args, void **state)
{
    rt_weights *w = NULL;
    const sy_status status = rt_pack_weights(args, args->n_inputs > 1 ? args->constants[1] : NULL,
                                             ir_node_int(args->node, "transB", 0) != 0,
                                             ir_node_float(args->node, "alpha", 1.0f), &w);
    *state = w;
    return status;
}

/* The product's C = beta * c, broadcast. */
static void spread(const ir_tensor *c, float beta, const rt_gemm *g)
{
    const int64_t columns = c->rank > 0 ? c->dims[c->rank - 1] : 1,
                  rows = c->rank > 1 ? c->dims[0] : 1;
    for (int64_t i = 0; i < g->m; i++) {
        const float *row = (const float *)c->data + (rows == 1 ? 0 : i * columns);
        float *to = g->c + i * g->ldc;
        for (int64_t k = 0; k < g->n; k++) {
            to[k] = beta * row[columns == 1 ? 0 : k];
        }
    }
}

sy_status rt_gemm_with(const ir_kernel_args *args, const rt_env *env, const rt_weights *w,
                       const rt_epilogue *epilogue)
{
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1),
                    *c = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const float alpha = ir_node_float(args->node, "alpha", 1.0f),
                beta = ir_node_float(args->node, "beta", 1.0f);
    const bool trans_a = ir_node_int(args->node, "transA", 0) != 0,
               trans_b = ir_node_int(args->node, "transB", 0) != 0;
    const int64_t lda = at_least_one(a->dims[1]), ldb = at_least_one(b->dims[1]);
    rt_gemm g = {.m = a->dims[trans_a ? 1 : 0],
                 .n = b->dims[trans_b ? 0 : 1],
                 .k = a->dims[trans_a ? 0 : 1],
                 .a = a->data,
                 .a_row = trans_a ? 1 : lda,
                 .a_k = trans_a ? lda : 1,
                 .panels = w != NULL ? w->panels : NULL,
                 .b = b->data,
                 .b_k = trans_b ? 1 : ldb,
                 .b_column = trans_b ? ldb : 1,
                 .c = y->data,
                 .epilogue = *epilogue};
    g.ldc = g.epilogue.residual_ld = g.n;
    const bool row = c != NULL && c->rank > 0 && c->dims[c->rank - 1] == g.n &&
                     (c->rank == 1 || c->dims[0] == 1);
    if (row && beta == 1.0f) {
        g.epilogue.bias = c->data;
    } else if (c != NULL) {
        spread(c, beta, &g);
        g.accumulate = true;
    }
    if (alpha != 1.0f && w == NULL) { /* op(A) scaled: smaller than a second pass over C in the
                                         places where it happens */
        const size_t n = (size_t)ir_tensor_n_elements(a);
        float *scaled = BASE_ARENA_ARRAY(args->scratch, float, n);
        if (scaled == NULL) {
            return SY_ENOMEM;
        }
        for (size_t i = 0; i < n; i++) {
            scaled[i] = alpha * g.a[i];
        }
        g.a = scaled;
    }
    return rt_product(args, env, &g, NULL);
}

sy_status rt_fast_gemm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    if (ir_kernel_input(args, 0)->dtype != SY_DT_F32) {
        return rt_run_reference(args);
    }
    return rt_gemm_with(args, env, state, &(rt_epilogue){.bias = NULL});
}

/* ---------------------------------------------------------------- MatMul */

sy_status rt_fast_prepare_MATMUL(const rt_prepare_args *args, void **state)
{
    rt_weights *w = NULL;
    const sy_status status = rt_pack_weights(args, args->n_inputs > 1 ? args->constants[1] : NULL,
                                             false, 1.0f, &w);
    *state = w;
    return status;
}

/* Matrix n of the batch in operand t; batch axes are broadcast to those of the other operand. */
static int64_t batch_matrix(const ir_tensor *t, const ir_tensor *other, int64_t n)
{
    int64_t at = 0, stride = 1;
    for (int32_t a = t->rank - 3, b = other->rank - 3; a >= 0; a--, b--) {
        const int64_t size = b >= 0 && other->dims[b] != 1 ? other->dims[b] : t->dims[a];
        at += t->dims[a] == 1 ? 0 : n % size * stride;
        stride *= t->dims[a];
        n /= size;
    }
    return at;
}

sy_status rt_matmul_with(const ir_kernel_args *args, const rt_env *env, const rt_weights *w,
                         const rt_epilogue *epilogue)
{
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    /* A vector is a row on the left, a column on the right. */
    const int64_t k = a->dims[a->rank - 1], n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    rt_gemm g = {.m = a->rank > 1 ? a->dims[a->rank - 2] : 1,
                 .n = n,
                 .k = k,
                 .a = a->data,
                 .a_row = at_least_one(k),
                 .a_k = 1,
                 .panels = w != NULL ? w->panels : NULL,
                 .b = b->data,
                 .b_k = at_least_one(n),
                 .b_column = 1,
                 .c = y->data,
                 .ldc = n,
                 .epilogue = *epilogue};
    g.epilogue.residual_ld = n;
    const int64_t n_elements = ir_tensor_n_elements(y);
    if (n_elements == 0) {
        return SY_OK;
    }
    if (b->rank <= 2) { /* one matrix for all: the batch is more rows */
        g.m = n_elements / n;
        return rt_product(args, env, &g, NULL);
    }
    rt_batch batch = {.n = n_elements / (g.m * n)};
    int64_t *at = BASE_ARENA_ARRAY(args->scratch, int64_t, (size_t)(2 * batch.n));
    if (at == NULL) {
        return SY_ENOMEM;
    }
    /* The batch axes of a result whose matrix axes are squeezed stand where batch_matrix looks for
     * them in this one. */
    ir_tensor full = *y;
    full.rank = a->rank > b->rank ? a->rank : b->rank;
    for (int64_t i = 0; i < batch.n; i++) {
        at[i] = a->rank > 2 ? batch_matrix(a, &full, i) * g.m * k : 0;
        at[batch.n + i] = batch_matrix(b, &full, i) * k * n;
    }
    batch.a = at;
    batch.b = at + batch.n;
    return rt_product(args, env, &g, &batch);
}

/* ---------------------------------------------------------------- double */

#define DOUBLE_COLUMNS 256

typedef struct double_job {
    const double *a, *b;
    double *y;
    int64_t m, n, k;
} double_job;

/* One row, by blocks of columns; strict k order. */
static sy_status double_task(void *user, int64_t i, rt_scratch *scratch)
{
    const double_job *j = user;
    (void)scratch;
    for (int64_t first = 0; first < j->n; first += DOUBLE_COLUMNS) {
        const int64_t n = j->n - first < DOUBLE_COLUMNS ? j->n - first : DOUBLE_COLUMNS;
        rt_simd_best()->double_row(n, j->k, j->a + i * j->k, j->b + first, j->n,
                                   j->y + i * j->n + first);
    }
    return SY_OK;
}

static sy_status matmul_double(const ir_kernel_args *args, const rt_env *env)
{
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (b->dtype != SY_DT_F64 || b->rank != 2 || a->rank < 1 || ir_tensor_n_elements(y) == 0) {
        return rt_run_reference(args);
    }
    double_job j = {.a = a->data, .b = b->data, .y = y->data, .n = b->dims[1], .k = b->dims[0]};
    j.m = ir_tensor_n_elements(y) / j.n;
    return rt_pool_run(rt_pool_for(env, 2.0 * (double)j.m * (double)j.n * (double)j.k), j.m,
                       double_task, &j, env->scratch);
}

sy_status rt_fast_matmul(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    if (ir_kernel_input(args, 0)->dtype != SY_DT_F32) {
        return ir_kernel_input(args, 0)->dtype == SY_DT_F64 ? matmul_double(args, env)
                                                            : rt_run_reference(args);
    }
    return rt_matmul_with(args, env, state, &(rt_epilogue){.bias = NULL});
}
