/*
 * fast_move.c -- Transpose: runs of elements where the last axis stays, square blocks of two axes where it does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_internal.h"

#include <string.h>

#define BLOCK 16 /* rows and columns of a block: its lines stay in the first-level cache */

/* y[i0, ...] = x[sum of i * strides], axes that go on alike joined. */
typedef struct move {
    const char *x;
    char *y;
    size_t bytes; /* of an element */
    int32_t rank;
    int64_t dims[IR_MAX_RANK], strides[IR_MAX_RANK], y_strides[IR_MAX_RANK]; /* in elements */
    int32_t turned; /* the axis with stride 1 that changes places with the last; -1: none */
    int64_t n_outer, per_task; /* positions of the axes outside the inner one or two */
} move;

static void add_axis(move *m, int64_t size, int64_t stride)
{
    const int32_t last = m->rank - 1;
    if (size == 1) {
        return;
    }
    if (m->rank > 0 && m->strides[last] == stride * size) {
        m->dims[last] *= size;
        m->strides[last] = stride;
        return;
    }
    m->dims[m->rank] = size;
    m->strides[m->rank++] = stride;
}

/* to[i * to_ld + j] = from[j * from_ld + i], i < rows, j < columns. */
#define TURN(name, type)                                                                                        \
    static void name(int64_t rows, int64_t columns, const char *from, int64_t from_ld, char *to, int64_t to_ld) \
    {                                                                                                           \
        for (int64_t i0 = 0; i0 < rows; i0 += BLOCK) {                                                          \
            const int64_t i1 = i0 + BLOCK < rows ? i0 + BLOCK : rows;                                           \
            for (int64_t j0 = 0; j0 < columns; j0 += BLOCK) {                                                   \
                const int64_t j1 = j0 + BLOCK < columns ? j0 + BLOCK : columns;                                 \
                for (int64_t i = i0; i < i1; i++) {                                                             \
                    for (int64_t j = j0; j < j1; j++) {                                                         \
                        memcpy(to + (size_t)(i * to_ld + j) * sizeof(type),                                     \
                               from + (size_t)(j * from_ld + i) * sizeof(type), sizeof(type));                  \
                    }                                                                                           \
                }                                                                                               \
            }                                                                                                   \
        }                                                                                                       \
    }

TURN(turn_1, uint8_t)
TURN(turn_2, uint16_t)
TURN(turn_4, uint32_t)
TURN(turn_8, uint64_t)

static void turn(const move *m, const char *from, char *to)
{
    const int32_t last = m->rank - 1;
    const int64_t rows = m->dims[m->turned], columns = m->dims[last];
    const int64_t from_ld = m->strides[last], to_ld = m->y_strides[m->turned];
    if (m->bytes == 1) {
        turn_1(rows, columns, from, from_ld, to, to_ld);
    } else if (m->bytes == 2) {
        turn_2(rows, columns, from, from_ld, to, to_ld);
    } else if (m->bytes == 4) {
        turn_4(rows, columns, from, from_ld, to, to_ld);
    } else {
        turn_8(rows, columns, from, from_ld, to, to_ld);
    }
}

static sy_status move_task(void *user, int64_t i_task, rt_scratch *scratch)
{
    const move *m = user;
    const int64_t first = i_task * m->per_task, left = m->n_outer - first;
    const int64_t end = first + (left < m->per_task ? left : m->per_task);
    (void)scratch;
    for (int64_t o = first; o < end; o++) {
        int64_t at = o, from = 0, to = 0;
        for (int32_t a = m->rank - 2; a >= 0; a--) {
            if (a != m->turned) {
                const int64_t index = at % m->dims[a];
                at /= m->dims[a];
                from += index * m->strides[a];
                to += index * m->y_strides[a];
            }
        }
        const char *x = m->x + (size_t)from * m->bytes;
        char *y = m->y + (size_t)to * m->bytes;
        if (m->turned >= 0) {
            turn(m, x, y);
        } else {
            memcpy(y, x, (size_t)m->dims[m->rank - 1] * m->bytes);
        }
    }
    return SY_OK;
}

static sy_status run_move(const rt_env *env, move *m)
{
    int64_t n = 1, inner;
    m->turned = -1;
    for (int32_t a = m->rank - 1; a >= 0; a--) {
        m->y_strides[a] = n;
        n *= m->dims[a];
    }
    if (m->rank == 0) {
        memcpy(m->y, m->x, m->bytes);
        return SY_OK;
    }
    inner = m->dims[m->rank - 1];
    if (m->strides[m->rank - 1] != 1) {
        for (int32_t a = 0; a < m->rank - 1; a++) {
            m->turned = m->strides[a] == 1 ? a : m->turned;
        }
        inner *= m->dims[m->turned];
    }
    m->n_outer = n / inner;
    m->per_task = inner >= 65536 ? 1 : 65536 / inner;
    return rt_pool_run(rt_pool_for(env, (double)n), (m->n_outer + m->per_task - 1) / m->per_task, move_task, m,
                       env->scratch);
}

sy_status rt_permute(const rt_env *env, size_t bytes, int32_t rank, const int64_t *dims, const int64_t *strides, const void *x,
                     void *y)
{
    move m = {.x = x, .y = y, .bytes = bytes};
    for (int32_t a = 0; a < rank; a++) {
        add_axis(&m, dims[a], strides[a]);
    }
    return run_move(env, &m);
}

sy_status rt_fast_transpose(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    const int64_t *perm = NULL;
    const uint32_t n_perm = ir_node_ints(args->node, "perm", &perm), bits = sy_dtype_bits(x->dtype);
    int64_t of_x[IR_MAX_RANK], strides[IR_MAX_RANK], stride = 1;
    (void)state;
    if ((bits != 8 && bits != 16 && bits != 32 && bits != 64) || x->dtype == SY_DT_STRING ||
        ir_tensor_n_elements(x) == 0) {
        return rt_run_reference(args);
    }
    for (int32_t a = x->rank - 1; a >= 0; a--) {
        of_x[a] = stride;
        stride *= x->dims[a];
    }
    for (int32_t a = 0; a < y->rank; a++) {
        strides[a] = of_x[n_perm > 0 ? perm[a] : y->rank - 1 - a];
    }
    return rt_permute(env, bits / 8, y->rank, y->dims, strides, x->data, y->data);
}
