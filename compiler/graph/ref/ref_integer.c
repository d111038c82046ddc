/*
 * ref_integer.c -- ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul: sums of 8-bit products in
 * int32, wrapping, in every form of zero points; results as numerics.md's quantised operators.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include <string.h>

/* ---------------------------------------------------------------- results */

/* sat(rne(fl(fl(acc) * M)) + zero), M = fl(fl(sx * sw) / sy). */
static void put_requantised(ir_tensor *y, int64_t i, int32_t acc, float product_scale, float y_scale,
                            int64_t zero)
{
    const float multiplier = product_scale / y_scale;
    const float scaled = (float)acc * multiplier;
    const int64_t v = ir_ref_rne(scaled) + zero;
    const int64_t low = y->dtype == SY_DT_I8 ? -128 : 0;
    ir_ref_put_int(y, i, v < low ? low : v > low + 255 ? low + 255 : v);
}

static float scalar(const ir_tensor *t, int64_t i)
{
    return (float)ir_ref_get(t, i);
}

/* ---------------------------------------------------------------- convolution */

typedef struct int_conv {
    ir_window win;
    const ir_tensor *x, *w, *w_zero;
    int32_t *centred; /* x - zero, all of it */
    int64_t taps, m_per_group;
} int_conv;

static sy_status int_conv_of(const ir_kernel_args *args, uint32_t ix, uint32_t iw, uint32_t ix_zero,
                             uint32_t iw_zero, int_conv *c)
{
    const ir_tensor *zero = ir_kernel_input(args, ix_zero);
    c->x = ir_kernel_input(args, ix);
    c->w = ir_kernel_input(args, iw);
    c->w_zero = ir_kernel_input(args, iw_zero);
    SY_TRY(ir_ref_need(args, c->x, ir_ref_is_integer(c->x->dtype)));
    SY_TRY(ir_ref_need(args, c->w, ir_ref_is_integer(c->w->dtype)));
    SY_TRY(ir_window_resolve(args->node, c->x->rank - 2, c->x->dims + 2, c->w->dims + 2, args->diag,
                             &c->win));
    const int64_t x_zero = zero != NULL ? ir_ref_get_int(zero, 0) : 0;
    const int64_t n = ir_tensor_n_elements(c->x);
    c->centred = BASE_ARENA_ARRAY(args->scratch, int32_t, (size_t)n);
    if (c->centred == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < n; i++) {
        c->centred[i] = (int32_t)(ir_ref_get_int(c->x, i) - x_zero);
    }
    c->taps = ir_ref_product(c->win.kernel, 0, c->win.rank);
    c->m_per_group = c->w->dims[0] / ir_node_int(args->node, "group", 1);
    return SY_OK;
}

/* Adds one tap to the outputs whose position lies on the input; what is padding is x_zero: x^ = 0. */
static void add_tap(const int_conv *c, int32_t axis, int64_t from, int64_t to, const int64_t *at,
                    int32_t weight, uint32_t *sums)
{
    const int64_t size = c->x->dims[2 + axis], step = c->win.strides[axis];
    int64_t first, last;
    ir_ref_inside(c->win.out[axis], size, step, at[axis], &first, &last);
    const int32_t *row = c->centred + from * size;
    for (int64_t o = first; o < last; o++) {
        if (axis == c->win.rank - 1) {
            sums[to * c->win.out[axis] + o] += (uint32_t)(row[o * step + at[axis]] * weight);
        } else {
            add_tap(c, axis + 1, from * size + o * step + at[axis], to * c->win.out[axis] + o, at,
                    weight, sums);
        }
    }
}

/* All sums of filter m on image n. */
static void int_conv_plane(const int_conv *c, int64_t n, int64_t m, int64_t out_plane,
                           uint32_t *sums)
{
    const int64_t w_zero = c->w_zero == NULL ? 0
                           : ir_ref_get_int(c->w_zero, ir_tensor_n_elements(c->w_zero) == 1 ? 0 : m);
    const int64_t first = n * c->x->dims[1] + m / c->m_per_group * c->w->dims[1];
    memset(sums, 0, (size_t)out_plane * sizeof *sums);
    for (int64_t k = 0; k < c->w->dims[1] * c->taps; k++) {
        int64_t at[3] = {0, 0, 0}, rest = k % c->taps, base = first + k / c->taps;
        for (int32_t a = c->win.rank - 1; a >= 0; a--) {
            at[a] = rest % c->win.kernel[a] * c->win.dilations[a] - c->win.pads_begin[a];
            rest /= c->win.kernel[a];
        }
        const int64_t weight = ir_ref_get_int(c->w, m * c->w->dims[1] * c->taps + k) - w_zero;
        add_tap(c, 0, base, 0, at, (int32_t)weight, sums);
    }
}

sy_status ir_ref_convinteger(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    int_conv c;
    SY_TRY(int_conv_of(args, 0, 1, 2, 3, &c));
    const int64_t out_plane = ir_ref_product(c.win.out, 0, c.win.rank);
    for (int64_t i = 0; i < c.x->dims[0] * c.w->dims[0]; i++) {
        int_conv_plane(&c, i / c.w->dims[0], i % c.w->dims[0], out_plane,
                       (uint32_t *)y->data + i * out_plane);
    }
    return SY_OK;
}

sy_status ir_ref_qlinearconv(const ir_kernel_args *args)
{
    const ir_tensor *w_scale = ir_kernel_input(args, 4), *zero = ir_kernel_input(args, 7);
    const ir_tensor *b = ir_kernel_input(args, 8);
    ir_tensor *y = ir_kernel_output(args, 0);
    int_conv c;
    SY_TRY(int_conv_of(args, 0, 3, 2, 5, &c));
    const float x_scale = scalar(ir_kernel_input(args, 1), 0);
    const float y_scale = scalar(ir_kernel_input(args, 6), 0);
    const int64_t out_plane = ir_ref_product(c.win.out, 0, c.win.rank);
    uint32_t *sums = BASE_ARENA_ARRAY(args->scratch, uint32_t, (size_t)out_plane);
    if (sums == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t i = 0; i < c.x->dims[0] * c.w->dims[0]; i++) {
        const int64_t m = i % c.w->dims[0];
        const float ws = scalar(w_scale, ir_tensor_n_elements(w_scale) == 1 ? 0 : m);
        const float product_scale = x_scale * ws;
        int_conv_plane(&c, i / c.w->dims[0], m, out_plane, sums);
        for (int64_t o = 0; o < out_plane; o++) {
            const uint32_t acc = sums[o] + (b != NULL ? (uint32_t)ir_ref_get_int(b, m) : 0);
            put_requantised(y, i * out_plane + o, (int32_t)acc, product_scale, y_scale,
                            ir_ref_get_int(zero, 0));
        }
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- matrix products */

/* Scale or zero point of row or column i of n in matrix number `matrix`. */
static int64_t parameter_at(const ir_tensor *t, int64_t matrix, int64_t n, int64_t i)
{
    if (ir_tensor_n_elements(t) == 1) {
        return 0;
    }
    return t->rank <= 1 ? i : matrix * n + i;
}

static int64_t zero_at(const ir_tensor *t, int64_t matrix, int64_t n, int64_t i)
{
    return t != NULL ? ir_ref_get_int(t, parameter_at(t, matrix, n, i)) : 0;
}

typedef struct int_matmul {
    ir_tensor a, b;
    int64_t rows, depth, columns, n_batch;
    ir_ref_walk walk; /* over batches; offsets count matrices */
} int_matmul;

static void int_matmul_of(const ir_tensor *a, const ir_tensor *b, const ir_tensor *y, int_matmul *m)
{
    m->a = *a;
    m->b = *b;
    const int32_t rank = y->rank + (a->rank == 1) + (b->rank == 1) - 2;
    if (a->rank == 1) {
        m->a.rank = 2;
        m->a.dims[1] = a->dims[0];
        m->a.dims[0] = 1;
    }
    if (b->rank == 1) {
        m->b.rank = 2;
        m->b.dims[1] = 1;
    }
    m->rows = m->a.dims[m->a.rank - 2];
    m->depth = m->a.dims[m->a.rank - 1];
    m->columns = m->b.dims[m->b.rank - 1];
    ir_tensor a_batch = m->a, b_batch = m->b;
    a_batch.rank -= 2;
    b_batch.rank -= 2;
    ir_ref_walk_start(&m->walk, rank, y->dims);
    ir_ref_broadcast_strides(&a_batch, rank, m->walk.strides[0]);
    ir_ref_broadcast_strides(&b_batch, rank, m->walk.strides[1]);
    m->n_batch = ir_ref_product(y->dims, 0, rank);
}

/* The matrices of the present batch without their zero points; room for the sums of one row. */
typedef struct centred_pair {
    int32_t *a, *b;   /* [rows, depth], [depth, columns] */
    uint32_t *sums;   /* [columns] */
    int64_t b_matrix; /* which one b holds; -1: none yet */
} centred_pair;

static sy_status centred_pair_of(const int_matmul *m, base_arena *arena, centred_pair *p)
{
    p->a = BASE_ARENA_ARRAY(arena, int32_t, (size_t)(m->rows * m->depth));
    p->b = BASE_ARENA_ARRAY(arena, int32_t, (size_t)(m->depth * m->columns));
    p->sums = BASE_ARENA_ARRAY(arena, uint32_t, (size_t)m->columns);
    p->b_matrix = -1;
    return p->a != NULL && p->b != NULL && p->sums != NULL ? SY_OK : SY_ENOMEM;
}

static void centre(const int_matmul *m, const ir_tensor *a_zero, const ir_tensor *b_zero,
                   centred_pair *p)
{
    const int64_t ma = m->walk.offset[0], mb = m->walk.offset[1];
    for (int64_t i = 0; i < m->rows; i++) {
        const int64_t zero = zero_at(a_zero, ma, m->rows, i);
        for (int64_t k = 0; k < m->depth; k++) {
            p->a[i * m->depth + k] =
                (int32_t)(ir_ref_get_int(&m->a, (ma * m->rows + i) * m->depth + k) - zero);
        }
    }
    for (int64_t i = 0; i < m->depth * m->columns && p->b_matrix != mb; i++) {
        p->b[i] = (int32_t)(ir_ref_get_int(&m->b, mb * m->depth * m->columns + i) -
                            zero_at(b_zero, mb, m->columns, i % m->columns));
    }
    p->b_matrix = mb;
}

/* The sums of row i; modulo 2^32 they have no order. */
static void int_row(const int_matmul *m, const centred_pair *p, int64_t i)
{
    memset(p->sums, 0, (size_t)m->columns * sizeof *p->sums);
    for (int64_t k = 0; k < m->depth; k++) {
        const int32_t x = p->a[i * m->depth + k];
        const int32_t *row = p->b + k * m->columns;
        for (int64_t j = 0; j < m->columns; j++) {
            p->sums[j] += (uint32_t)(x * row[j]);
        }
    }
}

static double float_dot(const int_matmul *m, int64_t i, int64_t j)
{
    double sum = 0.0;
    for (int64_t k = 0; k < m->depth; k++) {
        sum += ir_ref_get(&m->a, (m->walk.offset[0] * m->rows + i) * m->depth + k) *
               ir_ref_get(&m->b, (m->walk.offset[1] * m->depth + k) * m->columns + j);
    }
    return sum;
}

sy_status ir_ref_matmulinteger(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    int_matmul m;
    centred_pair p;
    int_matmul_of(ir_kernel_input(args, 0), ir_kernel_input(args, 1), y, &m);
    SY_TRY(ir_ref_need(args, &m.a, ir_ref_is_integer(m.a.dtype)));
    SY_TRY(ir_ref_need(args, &m.b, ir_ref_is_integer(m.b.dtype)));
    SY_TRY(centred_pair_of(&m, args->scratch, &p));
    int32_t *out = y->data;
    for (int64_t n = 0; n < m.n_batch; n++, ir_ref_walk_next(&m.walk)) {
        centre(&m, ir_kernel_input(args, 2), ir_kernel_input(args, 3), &p);
        for (int64_t i = 0; i < m.rows; i++) {
            int_row(&m, &p, i);
            for (int64_t j = 0; j < m.columns; j++) {
                *out++ = (int32_t)p.sums[j];
            }
        }
    }
    return SY_OK;
}

/* One result of 8-bit floats, whose zero points are 0. */
static void put_scaled(ir_tensor *y, int64_t i, double v, int64_t zero)
{
    if (ir_ref_is_float(y->dtype)) {
        ir_ref_put_saturated(y, i, v);
        return;
    }
    const int64_t low = y->dtype == SY_DT_I8 ? -128 : 0, q = ir_ref_rne((float)v) + zero;
    ir_ref_put_int(y, i, q < low ? low : q > low + 255 ? low + 255 : q);
}

/* a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
sy_status ir_ref_qlinearmatmul(const ir_kernel_args *args)
{
    const ir_tensor *a_scale = ir_kernel_input(args, 1), *b_scale = ir_kernel_input(args, 4);
    const ir_tensor *y_scale = ir_kernel_input(args, 6), *y_zero = ir_kernel_input(args, 7);
    ir_tensor *y = ir_kernel_output(args, 0);
    int_matmul m;
    centred_pair p;
    int_matmul_of(ir_kernel_input(args, 0), ir_kernel_input(args, 3), y, &m);
    const bool integers = ir_ref_is_integer(m.a.dtype) && ir_ref_is_integer(m.b.dtype);
    SY_TRY(ir_ref_need(args, y, ir_ref_is_integer(y->dtype) || ir_ref_is_float(y->dtype)));
    SY_TRY(centred_pair_of(&m, args->scratch, &p));
    int64_t out = 0;
    for (int64_t n = 0; n < m.n_batch; n++, ir_ref_walk_next(&m.walk)) {
        const int64_t ma = m.walk.offset[0], mb = m.walk.offset[1];
        if (integers) {
            centre(&m, ir_kernel_input(args, 2), ir_kernel_input(args, 5), &p);
        }
        for (int64_t k = 0; k < m.rows * m.columns; k++, out++) {
            const int64_t i = k / m.columns, j = k % m.columns;
            const float product_scale = scalar(a_scale, parameter_at(a_scale, ma, m.rows, i)) *
                                        scalar(b_scale, parameter_at(b_scale, mb, m.columns, j));
            const float ys = scalar(y_scale, parameter_at(y_scale, n, m.rows, i));
            const bool whole = ir_ref_is_integer(y->dtype);
            const int64_t zero =
                whole ? ir_ref_get_int(y_zero, parameter_at(y_zero, n, m.rows, i)) : 0;
            if (integers && j == 0) {
                int_row(&m, &p, i);
            }
            if (integers && whole) {
                put_requantised(y, out, (int32_t)p.sums[j], product_scale, ys, zero);
                continue;
            }
            const float multiplier = product_scale / ys;
            const double sum = integers ? (double)(int32_t)p.sums[j] : float_dot(&m, i, j);
            put_scaled(y, out, sum * (double)multiplier, zero);
        }
    }
    return SY_OK;
}
