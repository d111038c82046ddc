/*
 * fast_qgemm.c -- QGemm, QMatMul and MatMulInteger: rows of x times panels of 32 columns of w + 128.
 *
 *     sum (a - za) (b - zb) = sum a (b + 128) - (128 + zb) sum a - za sum b + K za zb
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

typedef struct qgemm_state {
    int64_t depth, columns, n_quads, n_panels;
    const uint8_t *panels;    /* [n_panels][n_quads][32][4] */
    const int32_t *start;     /* [32 * n_panels]: bias - zx * column sum */
    const float *multipliers; /* [32 * n_panels] */
    rt_requant requant;
} qgemm_state;

/* The panel of columns first, first + 1, ... of b [depth, columns], and their sums. */
static void pack_columns(const rt_simd *simd, const int8_t *b, int64_t depth, int64_t columns,
                         int64_t first, int64_t *offsets, uint8_t *panel, int32_t *column_sums)
{
    const int64_t n_quads = (depth + 3) / 4;
    const int64_t n = columns - first < RT_QTILE_COLUMNS ? columns - first : RT_QTILE_COLUMNS;
    if (n == RT_QTILE_COLUMNS && depth % 4 == 0) {
        for (int64_t k = 0; k < depth; k++) {
            offsets[k] = k * columns + first;
        }
        simd->pack_panel(n_quads, (const uint8_t *)b, offsets, 0x80, panel);
    } else {
        memset(panel, 0,
               (size_t)(n_quads * RT_QUAD_BYTES)); /* 0 beyond the depth: whatever a has there */
        for (int64_t k = 0; k < depth; k++) {
            for (int64_t c = 0; c < n; c++) {
                panel[k / 4 * RT_QUAD_BYTES + 4 * c + k % 4] =
                    (uint8_t)((uint8_t)b[k * columns + first + c] ^ 0x80u);
            }
        }
    }
    memset(column_sums, 0, RT_QTILE_COLUMNS * sizeof *column_sums);
    for (int64_t k = 0; k < depth; k++) {
        for (int64_t c = 0; c < n; c++) {
            column_sums[c] += b[k * columns + first + c];
        }
    }
}

/* a * b modulo 2^32. */
static int32_t wrap_multiply(int32_t a, int32_t b)
{
    const uint32_t product = (uint32_t)a * (uint32_t)b;
    int32_t out;
    memcpy(&out, &product, sizeof out);
    return out;
}

static int32_t wrap_add(int32_t a, int32_t b)
{
    const uint32_t sum = (uint32_t)a + (uint32_t)b;
    int32_t out;
    memcpy(&out, &sum, sizeof out);
    return out;
}

static sy_status fill_state(const rt_prepare_args *args, const ir_tensor *w, const ir_tensor *b,
                            qgemm_state *s, bool *tame)
{
    const ir_node *n = args->node;
    const rt_simd *simd = rt_simd_best();
    const float x_scale = ir_node_float(n, "x_scale", 1.0f);
    const int32_t x_zero = (int32_t)ir_node_int(n, "x_zero", 0);
    const float *w_scale = NULL;
    const uint32_t n_scales = ir_node_floats(n, "w_scale", &w_scale);
    float y_scale;
    s->requant = rt_requant_of(n, &y_scale);
    const size_t padded = (size_t)(s->n_panels * RT_QTILE_COLUMNS);
    uint8_t *panels = BASE_ARENA_ARRAY(args->arena, uint8_t,
                                       (size_t)(s->n_panels * s->n_quads * RT_QUAD_BYTES));
    int32_t *start = BASE_ARENA_ARRAY(args->arena, int32_t, padded);
    float *multipliers = BASE_ARENA_ARRAY(args->arena, float, padded);
    int64_t *offsets = BASE_ARENA_ARRAY(args->arena, int64_t, (size_t)(4 * s->n_quads));
    if (panels == NULL || start == NULL || multipliers == NULL || offsets == NULL) {
        return SY_ENOMEM;
    }
    *tame = n_scales == 1 || n_scales == s->columns;
    for (int64_t p = 0; p < s->n_panels && *tame; p++) {
        int32_t sums[RT_QTILE_COLUMNS];
        pack_columns(simd, w->data, s->depth, s->columns, p * RT_QTILE_COLUMNS, offsets,
                     panels + p * s->n_quads * RT_QUAD_BYTES, sums);
        for (int64_t c = 0; c < RT_QTILE_COLUMNS && p * RT_QTILE_COLUMNS + c < s->columns; c++) {
            const int64_t j = p * RT_QTILE_COLUMNS + c;
            const int32_t bias = b != NULL ? ((const int32_t *)b->data)[j] : 0;
            start[j] = wrap_add(bias, wrap_multiply(-x_zero, sums[c]));
            const float scale_product = x_scale * w_scale[n_scales == 1 ? 0 : j];
            multipliers[j] = scale_product / y_scale;
            *tame = *tame && rt_tame(multipliers[j]);
        }
    }
    s->panels = panels;
    s->start = start;
    s->multipliers = multipliers;
    return SY_OK;
}

sy_status rt_fast_prepare_QGEMM(const rt_prepare_args *args, void **state)
{
    const ir_tensor *w = args->n_inputs > 1 ? args->constants[1] : NULL;
    const ir_tensor *b = args->n_inputs > 2 ? args->constants[2] : NULL;
    const bool bias_open = args->n_inputs > 2 && b == NULL && args->node->inputs[2].value != NULL;
    if (w == NULL || bias_open || w->dtype != SY_DT_I8 || w->rank != 2 || w->dims[0] == 0) {
        return SY_OK;
    }
    qgemm_state *s = BASE_ARENA_NEW(args->arena, qgemm_state);
    if (s == NULL) {
        return SY_ENOMEM;
    }
    s->depth = w->dims[0];
    s->columns = w->dims[1];
    s->n_quads = (s->depth + 3) / 4;
    s->n_panels = (s->columns + RT_QTILE_COLUMNS - 1) / RT_QTILE_COLUMNS;
    bool tame = rt_zeros_fit(args->node);
    if (tame) {
        SY_TRY(fill_state(args, w, b, s, &tame));
    }
    *state = tame ? s : NULL;
    return SY_OK;
}

/* ---------------------------------------------------------------- rows of the left side */

/* Rows with four readable bytes for every quad, and -(128 + zb) times their sums. */
typedef struct left_side {
    const int8_t *rows;
    int64_t stride;
    const int32_t *start;
} left_side;

static sy_status left_side_of(const ir_kernel_args *args, const int8_t *a, int64_t n_rows,
                              int64_t depth, int32_t b_zero, left_side *out)
{
    const int64_t n_quads = (depth + 3) / 4;
    int32_t *start = BASE_ARENA_ARRAY(args->scratch, int32_t, (size_t)n_rows);
    int8_t *copy = depth % 4 != 0
                       ? BASE_ARENA_ARRAY(args->scratch, int8_t, (size_t)(n_rows * 4 * n_quads))
                       : NULL;
    if (start == NULL || (depth % 4 != 0 && copy == NULL)) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n_rows; i++) {
        int32_t sum = 0;
        for (int64_t k = 0; k < depth; k++) {
            sum += a[i * depth + k];
        }
        start[i] = wrap_multiply(-(128 + b_zero), sum);
        if (copy != NULL) {
            memcpy(copy + i * 4 * n_quads, a + i * depth, (size_t)depth);
        }
    }
    *out = (left_side){.rows = copy != NULL ? copy : a,
                       .stride = copy != NULL ? 4 * n_quads : depth,
                       .start = start};
    return SY_OK;
}

/* All rows times one panel. */
static void rows_times_panel(const rt_simd *simd, const left_side *a, int64_t n_rows,
                             int64_t n_quads, const uint8_t *panel, const int32_t *column_start,
                             const float *multipliers, const rt_requant *r, int64_t n_columns,
                             int8_t *y, int64_t ldy)
{
    const int64_t n_tiles = (n_rows + RT_QTILE_ROWS - 1) / RT_QTILE_ROWS;
    const int64_t height = (n_rows + n_tiles - 1) / n_tiles;
    for (int64_t i = 0; i < n_rows; i += height) {
        const int rows = (int)(n_rows - i < height ? n_rows - i : height);
        int32_t sums[RT_QTILE_ROWS * RT_QTILE_COLUMNS];
        simd->qtile(rows, n_quads, a->rows + i * a->stride, a->stride, panel, a->start + i,
                    column_start, sums);
        for (int k = 0; k < rows; k++) {
            simd->requantise_each(n_columns, sums + k * RT_QTILE_COLUMNS, multipliers, r,
                                  y + (i + k) * ldy);
        }
    }
}

/* ---------------------------------------------------------------- QGemm */

typedef struct qgemm_job {
    const qgemm_state *s;
    const rt_simd *simd;
    left_side a;
    int64_t n_rows;
    int8_t *y;
} qgemm_job;

static sy_status qgemm_task(void *user, int64_t p, rt_scratch *scratch)
{
    const qgemm_job *j = user;
    const qgemm_state *s = j->s;
    const int64_t first = p * RT_QTILE_COLUMNS, left = s->columns - first;
    (void)scratch;
    rows_times_panel(j->simd, &j->a, j->n_rows, s->n_quads,
                     s->panels + p * s->n_quads * RT_QUAD_BYTES, s->start + first,
                     s->multipliers + first, &s->requant,
                     left < RT_QTILE_COLUMNS ? left : RT_QTILE_COLUMNS, j->y + first, s->columns);
    return SY_OK;
}

sy_status rt_fast_qgemm(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    const qgemm_state *s = state;
    if (s == NULL || x->dtype != SY_DT_I8 || x->rank < 1) {
        return rt_run_reference(args);
    }
    qgemm_job j = {.s = s, .simd = rt_simd_best(), .y = ir_kernel_output(args, 0)->data};
    j.n_rows = ir_tensor_n_elements(x) / s->depth;
    if (j.n_rows == 0) {
        return SY_OK;
    }
    SY_TRY(left_side_of(args, x->data, j.n_rows, s->depth, 0, &j.a));
    rt_pool *pool = rt_pool_for(env,
                                2.0 * (double)j.n_rows * (double)s->depth * (double)s->columns);
    return rt_pool_run(pool, s->n_panels, qgemm_task, &j, env->scratch);
}

/* ---------------------------------------------------------------- QMatMul */

typedef struct qmatmul_job {
    const rt_simd *simd;
    left_side a;
    const int8_t *b;
    int64_t rows, depth, columns, n_quads;
    int32_t a_zero, b_zero;
    const float *multipliers; /* [32] */
    rt_requant requant;
    int8_t *y;
} qmatmul_job;

static sy_status qmatmul_task(void *user, int64_t p, rt_scratch *scratch)
{
    const qmatmul_job *j = user;
    const int64_t first = p * RT_QTILE_COLUMNS, left = j->columns - first;
    int64_t *offsets = rt_scratch_get(
        scratch, (size_t)(j->n_quads * (RT_QUAD_BYTES + 4 * (int64_t)sizeof(int64_t))));
    if (offsets == NULL) {
        return SY_ENOMEM;
    }
    uint8_t *panel = (uint8_t *)(offsets + 4 * j->n_quads);
    int32_t start[RT_QTILE_COLUMNS];
    pack_columns(j->simd, j->b, j->depth, j->columns, first, offsets, panel, start);
    const int32_t zeros = wrap_multiply((int32_t)(uint32_t)j->depth, j->a_zero * j->b_zero);
    for (int c = 0; c < RT_QTILE_COLUMNS; c++) {
        start[c] = wrap_add(wrap_multiply(-j->a_zero, start[c]), zeros);
    }
    rows_times_panel(j->simd, &j->a, j->rows, j->n_quads, panel, start, j->multipliers, &j->requant,
                     left < RT_QTILE_COLUMNS ? left : RT_QTILE_COLUMNS, j->y + first, j->columns);
    return SY_OK;
}

/* Offset of matrix n of a batch-broadcast operand, in matrices. */
static int64_t batch_offset(const ir_tensor *t, const ir_tensor *y, int64_t n)
{
    int64_t at = 0, stride = 1;
    for (int32_t a = y->rank - 3, b = t->rank - 3; b >= 0; a--, b--) {
        at += t->dims[b] == 1 ? 0 : n % y->dims[a] * stride;
        stride *= t->dims[b];
        n /= y->dims[a];
    }
    return at;
}

sy_status rt_fast_qmatmul(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *a = ir_kernel_input(args, 0);
    const ir_tensor *b = ir_kernel_input(args, 1);
    const ir_tensor *y = ir_kernel_output(args, 0);
    (void)state;
    if (a->dtype != SY_DT_I8 || b->dtype != SY_DT_I8 || a->rank < 2 || b->rank < 2) {
        return rt_run_reference(args);
    }
    float y_scale;
    qmatmul_job j = {.simd = rt_simd_best(), .requant = rt_requant_of(args->node, &y_scale)};
    j.rows = a->dims[a->rank - 2];
    j.depth = a->dims[a->rank - 1];
    j.columns = b->dims[b->rank - 1];
    j.n_quads = (j.depth + 3) / 4;
    j.a_zero = (int32_t)ir_node_int(args->node, "a_zero", 0);
    j.b_zero = (int32_t)ir_node_int(args->node, "b_zero", 0);
    const float scale_product = ir_node_float(args->node, "a_scale", 1.0f) *
                                ir_node_float(args->node, "b_scale", 1.0f);
    float multipliers[RT_QTILE_COLUMNS];
    for (int c = 0; c < RT_QTILE_COLUMNS; c++) {
        multipliers[c] = scale_product / y_scale;
    }
    j.multipliers = multipliers;
    if (!rt_tame(multipliers[0]) || !rt_zeros_fit(args->node) || j.depth == 0) {
        return rt_run_reference(args);
    }
    const int64_t matrix = j.rows * j.columns;
    const int64_t n_batch = matrix > 0 ? ir_tensor_n_elements(y) / matrix : 0;
    rt_pool *pool = rt_pool_for(env, 2.0 * (double)matrix * (double)j.depth);
    for (int64_t n = 0; n < n_batch; n++) {
        const int8_t *rows = (const int8_t *)a->data + batch_offset(a, y, n) * j.rows * j.depth;
        SY_TRY(left_side_of(args, rows, j.rows, j.depth, j.b_zero, &j.a));
        j.b = (const int8_t *)b->data + batch_offset(b, y, n) * j.depth * j.columns;
        j.y = (int8_t *)y->data + n * matrix;
        SY_TRY(rt_pool_run(pool, (j.columns + RT_QTILE_COLUMNS - 1) / RT_QTILE_COLUMNS,
                           qmatmul_task, &j, env->scratch));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- MatMulInteger */

typedef struct integer_weights {
    int64_t depth, columns;
    const uint8_t *panels;
    const int32_t *column_sums;
} integer_weights;

typedef struct integer_job {
    const rt_simd *simd;
    left_side a;
    const int32_t *row_sums;
    const int8_t *b; /* signed; NULL: packed */
    const integer_weights *w;
    const int32_t *b_zeros; /* [columns]: of signed b */
    int64_t rows, depth, columns, n_quads;
    int32_t a_zero;
    int32_t *y;
} integer_job;

/* Signed bytes: themselves, or unsigned ones less 128, copied. */
static const int8_t *as_signed(const ir_tensor *t, base_arena *arena)
{
    if (t->dtype == SY_DT_I8) {
        return t->data;
    }
    const size_t n = t->size_bytes;
    uint8_t *copy = BASE_ARENA_ARRAY(arena, uint8_t, n + 1);
    for (size_t i = 0; copy != NULL && i < n; i++) {
        copy[i] = ((const uint8_t *)t->data)[i] ^ 0x80u;
    }
    return (const int8_t *)copy;
}

static bool is_byte(const ir_tensor *t)
{
    return t->dtype == SY_DT_I8 || t->dtype == SY_DT_U8;
}

sy_status rt_fast_prepare_MATMULINTEGER(const rt_prepare_args *args, void **state)
{
    const ir_tensor *b = args->n_inputs > 1 ? args->constants[1] : NULL;
    if (b == NULL || !is_byte(b) || b->rank != 2 || b->dims[0] == 0 || b->dims[1] == 0) {
        return SY_OK;
    }
    const int64_t depth = b->dims[0], columns = b->dims[1], n_quads = (depth + 3) / 4;
    const int64_t n_panels = (columns + RT_QTILE_COLUMNS - 1) / RT_QTILE_COLUMNS;
    integer_weights *w = BASE_ARENA_NEW(args->arena, integer_weights);
    uint8_t *panels = BASE_ARENA_ARRAY(args->arena, uint8_t, (size_t)(n_panels * n_quads * RT_QUAD_BYTES));
    int32_t *sums = BASE_ARENA_ARRAY(args->arena, int32_t, (size_t)(n_panels * RT_QTILE_COLUMNS));
    base_arena *scratch = base_arena_create();
    int64_t *offsets = scratch != NULL ? BASE_ARENA_ARRAY(scratch, int64_t, (size_t)(4 * n_quads)) : NULL;
    const int8_t *from = offsets != NULL ? as_signed(b, scratch) : NULL;
    if (w != NULL && panels != NULL && sums != NULL && from != NULL) {
        for (int64_t p = 0; p < n_panels; p++) {
            pack_columns(rt_simd_best(), from, depth, columns, p * RT_QTILE_COLUMNS, offsets,
                         panels + p * n_quads * RT_QUAD_BYTES, sums + p * RT_QTILE_COLUMNS);
        }
        *w = (integer_weights){.depth = depth, .columns = columns, .panels = panels, .column_sums = sums};
        *state = w;
    }
    base_arena_destroy(scratch);
    return *state != NULL ? SY_OK : SY_ENOMEM;
}

static sy_status integer_task(void *user, int64_t p, rt_scratch *scratch)
{
    const integer_job *j = user;
    const int64_t first = p * RT_QTILE_COLUMNS, left = j->columns - first;
    const int64_t n = left < RT_QTILE_COLUMNS ? left : RT_QTILE_COLUMNS;
    const uint8_t *panel;
    int32_t start[RT_QTILE_COLUMNS] = {0}, zeros[RT_QTILE_COLUMNS] = {0};
    if (j->w != NULL) {
        panel = j->w->panels + p * j->n_quads * RT_QUAD_BYTES;
        memcpy(start, j->w->column_sums + first, sizeof start);
    } else {
        int64_t *offsets = rt_scratch_get(
            scratch, (size_t)(j->n_quads * (RT_QUAD_BYTES + 4 * (int64_t)sizeof(int64_t))));
        if (offsets == NULL) {
            return SY_ENOMEM;
        }
        uint8_t *room = (uint8_t *)(offsets + 4 * j->n_quads);
        pack_columns(j->simd, j->b, j->depth, j->columns, first, offsets, room, start);
        panel = room;
    }
    bool any_zero = false;
    for (int64_t c = 0; c < n; c++) {
        zeros[c] = j->b_zeros[first + c];
        any_zero = any_zero || zeros[c] != 0;
        const int32_t both = wrap_multiply((int32_t)(uint32_t)j->depth, j->a_zero * zeros[c]);
        start[c] = wrap_add(wrap_multiply(-j->a_zero, start[c]), both);
    }
    const int64_t n_tiles = (j->rows + RT_QTILE_ROWS - 1) / RT_QTILE_ROWS;
    const int64_t height = (j->rows + n_tiles - 1) / n_tiles;
    for (int64_t i = 0; i < j->rows; i += height) {
        const int rows = (int)(j->rows - i < height ? j->rows - i : height);
        int32_t sums[RT_QTILE_ROWS * RT_QTILE_COLUMNS];
        j->simd->qtile(rows, j->n_quads, j->a.rows + i * j->a.stride, j->a.stride, panel, j->a.start + i,
                       start, sums);
        for (int r = 0; r < rows; r++) {
            int32_t *to = j->y + (i + r) * j->columns + first;
            const int32_t *from = sums + r * RT_QTILE_COLUMNS;
            memcpy(to, from, (size_t)n * sizeof *to);
            for (int64_t c = 0; any_zero && c < n; c++) {
                to[c] = wrap_add(from[c], wrap_multiply(-zeros[c], j->row_sums[i + r]));
            }
        }
    }
    return SY_OK;
}

/* The zero points of signed bytes: one for all, or one of each of n columns; false: others. */
static bool zeros_of(const ir_tensor *zero, sy_dtype dtype, int64_t n, int32_t *out)
{
    const int64_t count = zero != NULL ? ir_tensor_n_elements(zero) : 0;
    const int32_t shift = dtype == SY_DT_U8 ? 128 : 0;
    for (int64_t c = 0; c < n; c++) {
        out[c] = (count == 0 ? 0 : (int32_t)ir_tensor_get_i64(zero, count == 1 ? 0 : c)) - shift;
    }
    return count <= 1 || (count == n && zero->rank == 1);
}

/* -128 * and 1 * the sum of each row, four readable bytes for each quad. */
static sy_status integer_left(const ir_kernel_args *args, const int8_t *a, integer_job *j)
{
    int32_t *sums = BASE_ARENA_ARRAY(args->scratch, int32_t, (size_t)j->rows);
    SY_TRY(left_side_of(args, a, j->rows, j->depth, 0, &j->a));
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < j->rows; i++) {
        sums[i] = j->a.start[i] / -128; /* |sum| <= 2^23: exact */
    }
    j->row_sums = sums;
    return SY_OK;
}

sy_status rt_fast_matmulinteger(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *a = ir_kernel_input(args, 0), *b = ir_kernel_input(args, 1),
                    *a_zero = ir_kernel_input(args, 2), *b_zero = ir_kernel_input(args, 3);
    ir_tensor *y = ir_kernel_output(args, 0);
    if (!is_byte(a) || !is_byte(b) || a->rank < 2 || b->rank < 2 || ir_tensor_n_elements(y) == 0 ||
        a->dims[a->rank - 1] == 0 || a->dims[a->rank - 1] > 1 << 16) {
        return rt_run_reference(args);
    }
    integer_job j = {.simd = rt_simd_best(),
                     .w = state,
                     .rows = a->dims[a->rank - 2],
                     .depth = a->dims[a->rank - 1],
                     .columns = b->dims[b->rank - 1]};
    j.n_quads = (j.depth + 3) / 4;
    if (b->rank == 2) { /* one matrix for all: the batch is more rows */
        j.rows = ir_tensor_n_elements(y) / j.columns;
    }
    int32_t *b_zeros = BASE_ARENA_ARRAY(args->scratch, int32_t, (size_t)j.columns);
    const int8_t *a_data = as_signed(a, args->scratch);
    const int8_t *b_data = state == NULL ? as_signed(b, args->scratch) : NULL;
    if (b_zeros == NULL || a_data == NULL || (state == NULL && b_data == NULL)) {
        return SY_ENOMEM;
    }
    if (!zeros_of(b_zero, b->dtype, j.columns, b_zeros) || !zeros_of(a_zero, a->dtype, 1, &j.a_zero) ||
        (a_zero != NULL && ir_tensor_n_elements(a_zero) != 1)) {
        return rt_run_reference(args);
    }
    j.b_zeros = b_zeros;
    const int64_t matrix = j.rows * j.columns, n_batch = ir_tensor_n_elements(y) / matrix;
    rt_pool *pool = rt_pool_for(env, 2.0 * (double)matrix * (double)j.depth);
    for (int64_t n = 0; n < n_batch; n++) {
        SY_TRY(integer_left(args, a_data + (n_batch == 1 ? 0 : batch_offset(a, y, n)) * j.rows * j.depth, &j));
        j.b = b_data != NULL ? b_data + (n_batch == 1 ? 0 : batch_offset(b, y, n)) * j.depth * j.columns : NULL;
        j.y = (int32_t *)y->data + n * matrix;
        SY_TRY(rt_pool_run(pool, (j.columns + RT_QTILE_COLUMNS - 1) / RT_QTILE_COLUMNS, integer_task, &j,
                           env->scratch));
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- DynamicQuantizeLinear */

sy_status rt_fast_dynamicquantize(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0), *scale = ir_kernel_output(args, 1), *zero = ir_kernel_output(args, 2);
    const int64_t n = ir_tensor_n_elements(x);
    (void)env;
    (void)state;
    if (x->dtype != SY_DT_F32 || n == 0) {
        return rt_run_reference(args);
    }
    const rt_simd *simd = rt_simd_best();
    const float largest = simd->largest(n, x->data), least = simd->least(n, x->data);
    const float high = largest > 0.0f ? largest : 0.0f, low = least < 0.0f ? least : 0.0f;
    const float range = high - low, s = range == 0.0f ? 1.0f : range / 255.0f;
    const float offset = 0.0f - low / s;
    const float cut = offset < 0.0f ? 0.0f : offset > 255.0f ? 255.0f : offset;
    if (!(range <= 3e38f)) {
        return rt_run_reference(args); /* infinities */
    }
    const rt_requant r = {.zero = (int32_t)((cut + 12582912.0f) - 12582912.0f), .low = 0, .high = 255};
    if (y != NULL) {
        simd->quantise(n, x->data, s, &r, y->data);
    }
    if (scale != NULL) {
        *(float *)scale->data = s;
    }
    if (zero != NULL) {
        *(uint8_t *)zero->data = (uint8_t)r.zero;
    }
    return SY_OK;
}
