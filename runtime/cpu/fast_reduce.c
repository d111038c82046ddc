/*
 * fast_reduce.c -- ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceSumSquare, ReduceL2, GlobalMaxPool, ArgMax and ArgMin in fp32.
 *
 * Axes that are reduced or kept side by side are joined. Then one pass for each reduced group, from the innermost on: along
 * rows if nothing lies behind the group, else whole rows are joined one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

#define ROW_ELEMENTS   65536 /* a longer row is reduced in pieces: errors of partial sums grow with their number of terms */
#define TASK_ELEMENTS  65536
#define COLUMN_FLOATS  4096 /* of a pass over rows: results that stay in the first-level cache */

typedef enum reduction { REDUCE_SUM, REDUCE_MAX, REDUCE_MIN } reduction;

/* x [outer, n, inner] to y [outer, inner]. */
typedef struct pass {
    const rt_simd *simd;
    reduction kind;
    const float *x;
    float *y;
    int64_t outer, n, inner;
    int64_t per_task, n_chunks; /* rows: results of a task; columns: chunks of a result row */
} pass;

static float reduce_row(const pass *p, const float *x)
{
    switch (p->kind) {
    case REDUCE_SUM: {
        double total = 0.0;
        for (int64_t i = 0; i < p->n; i += ROW_ELEMENTS) {
            total += (double)p->simd->sum_row(p->n - i < ROW_ELEMENTS ? p->n - i : ROW_ELEMENTS, x + i);
        }
        return (float)total;
    }
    case REDUCE_MAX:
        return p->simd->max_row(p->n, x);
    case REDUCE_MIN:
        break;
    }
    return p->simd->min_row(p->n, x);
}

static sy_status rows_task(void *user, int64_t i, rt_scratch *scratch)
{
    const pass *p = user;
    const int64_t first = i * p->per_task, left = p->outer - first;
    (void)scratch;
    for (int64_t o = first; o < first + (left < p->per_task ? left : p->per_task); o++) {
        p->y[o] = reduce_row(p, p->x + o * p->n);
    }
    return SY_OK;
}

static sy_status columns_task(void *user, int64_t i, rt_scratch *scratch)
{
    const pass *p = user;
    const int64_t o = i / p->n_chunks, at = i % p->n_chunks * COLUMN_FLOATS;
    const int64_t n = p->inner - at < COLUMN_FLOATS ? p->inner - at : COLUMN_FLOATS;
    const float *x = p->x + o * p->n * p->inner + at;
    float *y = p->y + o * p->inner + at;
    (void)scratch;
    memcpy(y, x, (size_t)n * sizeof *y);
    for (int64_t k = 1; k < p->n; k++) {
        switch (p->kind) {
        case REDUCE_SUM:
            p->simd->add_floats(n, x + k * p->inner, 1, y);
            break;
        case REDUCE_MAX:
            p->simd->max_floats(n, x + k * p->inner, 1, y);
            break;
        case REDUCE_MIN:
            p->simd->min_floats(n, x + k * p->inner, y);
            break;
        }
    }
    return SY_OK;
}

static sy_status run_pass(const rt_env *env, pass *p)
{
    rt_pool *pool = rt_pool_for(env, (double)p->outer * (double)p->n * (double)p->inner);
    if (p->inner == 1) {
        p->per_task = p->n < TASK_ELEMENTS ? TASK_ELEMENTS / p->n : 1;
        return rt_pool_run(pool, (p->outer + p->per_task - 1) / p->per_task, rows_task, p, env->scratch);
    }
    p->n_chunks = (p->inner + COLUMN_FLOATS - 1) / COLUMN_FLOATS;
    return rt_pool_run(pool, p->outer * p->n_chunks, columns_task, p, env->scratch);
}

/* Groups of axes of x, in turn kept and reduced; the first is kept (perhaps of size 1). */
typedef struct groups {
    int32_t n;
    int64_t sizes[IR_MAX_RANK + 1];
} groups;

static groups join(const ir_tensor *x, const bool reduced[IR_MAX_RANK])
{
    groups g = {.n = 1, .sizes = {1}};
    for (int32_t a = 0; a < x->rank; a++) {
        if (x->dims[a] == 1) {
            continue;
        }
        if (reduced[a] != (g.n % 2 == 0)) {
            g.sizes[g.n++] = 1;
        }
        g.sizes[g.n - 1] *= x->dims[a];
    }
    return g;
}

static sy_status reduce(const ir_kernel_args *args, const rt_env *env, reduction kind, const bool reduced[IR_MAX_RANK])
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    groups g = join(x, reduced);
    const float *from = x->data;
    if (g.n == 1) {
        memcpy(y->data, x->data, y->size_bytes);
    }
    while (g.n > 1) {
        const bool rows = g.n % 2 == 0; /* the last group is reduced */
        const int32_t at = rows ? g.n - 1 : g.n - 2;
        pass p = {.simd = rt_simd_best(),
                  .kind = kind,
                  .x = from,
                  .y = y->data,
                  .outer = 1,
                  .n = g.sizes[at],
                  .inner = rows ? 1 : g.sizes[g.n - 1]};
        for (int32_t i = 0; i < at; i++) {
            p.outer *= g.sizes[i];
        }
        if (at > 1) { /* not the last pass */
            p.y = BASE_ARENA_ARRAY(args->scratch, float, (size_t)(p.outer * p.inner));
            if (p.y == NULL) {
                return SY_ENOMEM;
            }
        }
        SY_TRY(run_pass(env, &p));
        from = p.y;
        /* The group before and the one behind are one now. */
        g.sizes[at - 1] *= p.inner;
        g.n = at;
    }
    return SY_OK;
}

/* The axes that operand 1 names, all without one; false if there is something wrong with them. */
static bool find_axes(const ir_kernel_args *args, bool reduced[IR_MAX_RANK])
{
    const ir_tensor *x = ir_kernel_input(args, 0), *axes = ir_kernel_input(args, 1);
    const int64_t n = axes != NULL ? ir_tensor_n_elements(axes) : 0;
    if (axes != NULL && axes->dtype != SY_DT_I64) {
        return false;
    }
    for (int32_t a = 0; a < x->rank; a++) {
        reduced[a] = n == 0 && ir_node_int(args->node, "noop_with_empty_axes", 0) == 0;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t axis = ((const int64_t *)axes->data)[i], a = axis < 0 ? axis + x->rank : axis;
        if (a < 0 || a >= x->rank) {
            return false;
        }
        reduced[a] = true;
    }
    return true;
}

static bool plain(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    return x->dtype == SY_DT_F32 && ir_tensor_n_elements(x) > 0;
}

/* *done is false, and nothing done, for what the fast kernels do not know. */
static sy_status try_axes(const ir_kernel_args *args, const rt_env *env, reduction kind, bool *done)
{
    bool reduced[IR_MAX_RANK];
    *done = plain(args) && find_axes(args, reduced);
    return *done ? reduce(args, env, kind, reduced) : SY_OK;
}

static sy_status reduce_axes(const ir_kernel_args *args, const rt_env *env, reduction kind)
{
    bool done = false;
    SY_TRY(try_axes(args, env, kind, &done));
    return done ? SY_OK : rt_run_reference(args);
}

sy_status rt_fast_reducesum(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return reduce_axes(args, env, REDUCE_SUM);
}

sy_status rt_fast_reducemax(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return reduce_axes(args, env, REDUCE_MAX);
}

sy_status rt_fast_reducemin(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)state;
    return reduce_axes(args, env, REDUCE_MIN);
}

sy_status rt_fast_reducemean(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    bool done = false;
    (void)state;
    SY_TRY(try_axes(args, env, REDUCE_SUM, &done));
    if (!done) {
        return rt_run_reference(args);
    }
    const int64_t n = ir_tensor_n_elements(y);
    const float count = (float)(ir_tensor_n_elements(ir_kernel_input(args, 0)) / n);
    for (int64_t i = 0; i < n; i++) {
        ((float *)y->data)[i] /= count;
    }
    return SY_OK;
}

sy_status rt_fast_globalmaxpool(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    bool reduced[IR_MAX_RANK];
    (void)state;
    if (!plain(args) || x->rank < 3) {
        return rt_run_reference(args);
    }
    for (int32_t a = 0; a < x->rank; a++) {
        reduced[a] = a >= 2;
    }
    return reduce(args, env, REDUCE_MAX, reduced);
}

/* ---------------------------------------------------------------- sums of squares */

/* *done is false, and nothing done, for what the fast kernels do not know. */
static sy_status try_squares(const ir_kernel_args *args, const rt_env *env, bool *done)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    bool reduced[IR_MAX_RANK];
    *done = plain(args) && find_axes(args, reduced);
    if (!*done) {
        return SY_OK;
    }
    ir_tensor squares = *x;
    squares.data = base_arena_alloc(args->scratch, x->size_bytes, 1);
    if (squares.data == NULL) {
        return SY_ENOMEM;
    }
    const void *const twice[] = {x->data, x->data};
    rt_simd_best()->elements[RT_E_MUL_F32](ir_tensor_n_elements(x), twice, 0.0f, 0.0f, squares.data);
    const ir_tensor *inputs[] = {&squares};
    ir_kernel_args own = *args;
    own.inputs = inputs;
    own.n_inputs = 1;
    return reduce(&own, env, REDUCE_SUM, reduced);
}

sy_status rt_fast_reducesumsquare(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    bool done = false;
    (void)state;
    SY_TRY(try_squares(args, env, &done));
    return done ? SY_OK : rt_run_reference(args);
}

sy_status rt_fast_reducel2(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    bool done = false;
    (void)state;
    SY_TRY(try_squares(args, env, &done));
    if (!done) {
        return rt_run_reference(args);
    }
    const void *const from[] = {y->data};
    rt_simd_best()->elements[RT_E_SQRT_F32](ir_tensor_n_elements(y), from, 0.0f, 0.0f, y->data);
    return SY_OK;
}

/* ---------------------------------------------------------------- ArgMax, ArgMin */

/* The first (or last) place of the largest of n elements `step` apart; -1 if one of them is no number. */
static int64_t place_of_best(int64_t n, const float *x, int64_t step, bool smallest, bool last)
{
    int64_t best = 0;
    float value = x[0];
    bool numbers = value == value;
    for (int64_t i = 1; i < n; i++) {
        const float v = x[i * step];
        const bool better = smallest ? v < value : v > value;
        numbers = numbers && v == v;
        if (better || (last && v == value)) {
            best = i;
            value = v;
        }
    }
    return numbers ? best : -1;
}

static int64_t place_in_row(const rt_simd *simd, int64_t n, const float *x, bool smallest, bool last)
{
    const float best = smallest ? simd->min_row(n, x) : simd->max_row(n, x);
    int64_t i = last ? n - 1 : 0;
    while (i >= 0 && i < n && x[i] != best) {
        i += last ? -1 : 1;
    }
    return i < n ? i : -1; /* not found: best is no number */
}

static sy_status place(const ir_kernel_args *args, bool smallest)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const int64_t given = ir_node_int(args->node, "axis", 0), axis = given < 0 ? given + x->rank : given;
    const bool last = ir_node_int(args->node, "select_last_index", 0) != 0;
    int64_t *y = ir_kernel_output(args, 0)->data, inner = 1;
    if (!plain(args) || axis < 0 || axis >= x->rank) {
        return rt_run_reference(args);
    }
    for (int32_t a = (int32_t)axis + 1; a < x->rank; a++) {
        inner *= x->dims[a];
    }
    const int64_t n = x->dims[axis], n_results = ir_tensor_n_elements(x) / n;
    for (int64_t i = 0; i < n_results; i++) {
        const float *from = (const float *)x->data + i / inner * n * inner + i % inner;
        y[i] = inner == 1 ? place_in_row(rt_simd_best(), n, from, smallest, last)
                          : place_of_best(n, from, inner, smallest, last);
        if (y[i] < 0) {
            return rt_run_reference(args);
        }
    }
    return SY_OK;
}

sy_status rt_fast_argmax(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)env;
    (void)state;
    return place(args, false);
}

sy_status rt_fast_argmin(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    (void)env;
    (void)state;
    return place(args, true);
}
