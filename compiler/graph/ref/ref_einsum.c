/*
 * ref_einsum.c -- Einsum and Det.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "einsum.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- Einsum */

/* One loop for each label: those of the result outside, in its order, those summed over inside. */
typedef struct loops {
    uint32_t n_operands, n_outer, n;
    int64_t sizes[IR_EINSUM_LABELS], index[IR_EINSUM_LABELS];
    int64_t *strides; /* [n][n_operands] */
    int64_t *offsets; /* [n_operands] */
} loops;

/* Moves to the next index of loops [from, to); false if it was the last. */
static bool next(loops *l, uint32_t from, uint32_t to)
{
    for (uint32_t k = to; k-- > from;) {
        const int64_t *strides = l->strides + (size_t)k * l->n_operands;
        const bool more = ++l->index[k] < l->sizes[k];
        for (uint32_t i = 0; i < l->n_operands; i++) {
            l->offsets[i] += more ? strides[i] : strides[i] * (1 - l->sizes[k]);
        }
        if (more) {
            return true;
        }
        l->index[k] = 0;
    }
    return false;
}

static sy_status loop_sizes(const ir_kernel_args *args, const ir_einsum *e, int64_t sizes[IR_EINSUM_LABELS])
{
    for (uint32_t i = 0; i < IR_EINSUM_LABELS; i++) {
        sizes[i] = -1;
    }
    for (uint32_t i = 0; i < e->n_operands; i++) {
        const ir_tensor *x = args->inputs[i];
        for (int32_t d = 0; d < x->rank; d++) {
            int64_t *size = &sizes[e->labels[i][d]];
            if (*size != -1 && *size != 1 && x->dims[d] != 1 && *size != x->dims[d]) {
                return base_fail(args->diag, SY_ESHAPE,
                                 "dimension %d of operand %u has %lld elements where others have %lld", d,
                                 i, (long long)x->dims[d], (long long)*size);
            }
            *size = *size == -1 || *size == 1 ? x->dims[d] : *size;
        }
    }
    return SY_OK;
}

static sy_status make_loops(const ir_kernel_args *args, const ir_einsum *e, loops *l)
{
    int64_t sizes[IR_EINSUM_LABELS], total = 1;
    uint32_t place[IR_EINSUM_LABELS];
    bool outside[IR_EINSUM_LABELS] = {false};
    SY_TRY(loop_sizes(args, e, sizes));
    *l = (loops){.n_operands = e->n_operands, .n_outer = (uint32_t)e->rank};
    for (int32_t d = 0; d < e->rank; d++) {
        outside[e->result[d]] = true;
        place[e->result[d]] = l->n;
        l->sizes[l->n++] = sizes[e->result[d]];
    }
    for (uint32_t k = 0; k < IR_EINSUM_LABELS; k++) {
        if (sizes[k] >= 0 && !outside[k]) {
            place[k] = l->n;
            l->sizes[l->n++] = sizes[k];
        }
    }
    for (uint32_t k = 0; k < l->n; k++) {
        if (__builtin_mul_overflow(total, l->sizes[k] > 0 ? l->sizes[k] : 1, &total)) {
            return base_fail(args->diag, SY_ERANGE, "the sum has too many products");
        }
    }
    l->strides = base_arena_alloc(args->scratch, (size_t)l->n * e->n_operands + 1, sizeof *l->strides);
    l->offsets = base_arena_alloc(args->scratch, e->n_operands, sizeof *l->offsets);
    if (l->strides == NULL || l->offsets == NULL) {
        return SY_ENOMEM;
    }
    memset(l->strides, 0, ((size_t)l->n * e->n_operands + 1) * sizeof *l->strides);
    for (uint32_t i = 0; i < e->n_operands; i++) {
        const ir_tensor *x = args->inputs[i];
        int64_t stride = 1;
        l->offsets[i] = 0;
        for (int32_t d = x->rank; d-- > 0;) { /* a label that is there twice walks the diagonal */
            int64_t *s = &l->strides[(size_t)place[e->labels[i][d]] * e->n_operands + i];
            *s += x->dims[d] != 1 ? stride : 0;
            stride *= x->dims[d];
        }
    }
    return SY_OK;
}

/* One result: the sum over the inner loops of the products of all operands. */
static void sum_products(const ir_kernel_args *args, loops *l, ir_tensor *y, int64_t o)
{
    const bool is_float = ir_ref_is_float(y->dtype);
    double f_sum = 0.0;
    uint64_t u_sum = 0;
    bool any = true;
    for (uint32_t k = l->n_outer; k < l->n; k++) {
        any = any && l->sizes[k] > 0;
    }
    while (any) {
        double f = 1.0;
        uint64_t u = 1;
        for (uint32_t i = 0; i < l->n_operands; i++) {
            if (is_float) {
                f *= ir_ref_get(args->inputs[i], l->offsets[i]);
            } else {
                u *= (uint64_t)ir_ref_get_int(args->inputs[i], l->offsets[i]);
            }
        }
        f_sum += f;
        u_sum += u;
        any = next(l, l->n_outer, l->n);
    }
    if (is_float) {
        ir_ref_put(y, o, f_sum);
    } else {
        ir_ref_put_int(y, o, (int64_t)u_sum);
    }
}

sy_status ir_ref_einsum(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    const char *equation = ir_node_string(args->node, "equation", "");
    int32_t *ranks = BASE_ARENA_ARRAY(args->scratch, int32_t, args->n_inputs);
    ir_einsum e;
    loops l;
    if (ranks == NULL) {
        return SY_ENOMEM;
    }
    for (uint32_t i = 0; i < args->n_inputs; i++) {
        const ir_tensor *x = args->inputs[i];
        SY_TRY(ir_ref_need(args, x,
                           x->dtype == y->dtype &&
                               (ir_ref_is_float(x->dtype) ||
                                (ir_ref_is_integer(x->dtype) && x->dtype != SY_DT_BOOL))));
        ranks[i] = x->rank;
    }
    SY_TRY(ir_einsum_parse(args->scratch, equation, strlen(equation), args->n_inputs, ranks, args->diag, &e));
    SY_TRY(make_loops(args, &e, &l));
    const int64_t n = ir_tensor_n_elements(y);
    if (ir_ref_product(l.sizes, 0, e.rank) != n) {
        return base_fail(args->diag, SY_ESHAPE, "the equation does not give the result's shape");
    }
    for (int64_t o = 0; o < n; o++) {
        sum_products(args, &l, y, o);
        (void)next(&l, 0, l.n_outer);
    }
    return SY_OK;
}

/* ---------------------------------------------------------------- Det */

/* By elimination with the largest pivot of each column; a is destroyed. */
static double determinant(double *a, int64_t n)
{
    double det = 1.0;
    for (int64_t c = 0; c < n; c++) {
        int64_t pivot = c;
        for (int64_t r = c + 1; r < n; r++) {
            pivot = fabs(a[r * n + c]) > fabs(a[pivot * n + c]) ? r : pivot;
        }
        for (int64_t k = 0; k < n && pivot != c; k++) {
            const double v = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = v;
        }
        const double p = a[c * n + c];
        det *= pivot != c ? -p : p;
        if (p == 0.0) {
            return 0.0;
        }
        for (int64_t r = c + 1; r < n; r++) {
            const double factor = a[r * n + c] / p;
            for (int64_t k = c; k < n; k++) {
                a[r * n + k] -= factor * a[c * n + k];
            }
        }
    }
    return det;
}

sy_status ir_ref_det(const ir_kernel_args *args)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    SY_TRY(ir_ref_need(args, x, ir_ref_is_float(x->dtype)));
    if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2]) {
        return base_fail(args->diag, SY_ESHAPE, "the matrices must be square");
    }
    const int64_t n = x->dims[x->rank - 1], n_out = ir_tensor_n_elements(y);
    if (n_out == 0) {
        return SY_OK;
    }
    double *a = BASE_ARENA_ARRAY(args->scratch, double, (size_t)(n * n));
    if (a == NULL) {
        return SY_ENOMEM;
    }
    for (int64_t o = 0; o < n_out; o++) {
        for (int64_t i = 0; i < n * n; i++) {
            a[i] = ir_ref_get(x, o * n * n + i);
        }
        ir_ref_put(y, o, determinant(a, n));
    }
    return SY_OK;
}
