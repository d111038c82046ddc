/*
 * fast_deconv.c -- ConvTranspose in fp32, one or two spatial axes: a product gives what each input position adds under each
 * tap, then the taps are added up, plane by plane.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fast_gemm.h"

#include <string.h>

typedef struct deconv {
    ir_window win; /* brought to two axes */
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    int64_t n_taps, in_plane, out_plane;
    const float *columns; /* [channels of the group * taps, in_plane] */
    const float *bias;    /* of the group; NULL: zeros */
    float *y;             /* of the image and group */
} deconv;

/* Positions p of the input whose p * stride + at lies inside the output. */
static void inside(int64_t n, int64_t size, int64_t stride, int64_t at, int64_t *first, int64_t *last)
{
    *first = at < 0 ? (-at + stride - 1) / stride : 0;
    *last = size - 1 - at < 0 ? 0 : (size - 1 - at) / stride + 1;
    *last = *last < n ? *last : n;
}

static sy_status plane_task(void *user, int64_t m, rt_scratch *scratch)
{
    const deconv *d = user;
    float *y = d->y + m * d->out_plane;
    const float start = d->bias != NULL ? d->bias[m] : 0.0f;
    (void)scratch;
    for (int64_t i = 0; i < d->out_plane; i++) {
        y[i] = start;
    }
    for (int64_t t = 0; t < d->n_taps; t++) {
        const int64_t row_at = t / d->kernel[1] * d->dilation[0] - d->pad[0];
        const int64_t column_at = t % d->kernel[1] * d->dilation[1] - d->pad[1];
        const float *column = d->columns + (m * d->n_taps + t) * d->in_plane;
        int64_t row, last_row, first, last;
        inside(d->in[0], d->out[0], d->stride[0], row_at, &row, &last_row);
        inside(d->in[1], d->out[1], d->stride[1], column_at, &first, &last);
        for (; row < last_row; row++) {
            const float *from = column + row * d->in[1];
            float *to = y + (row * d->stride[0] + row_at) * d->out[1] + column_at;
            for (int64_t p = first; p < last; p++) {
                to[p * d->stride[1]] += from[p];
            }
        }
    }
    return SY_OK;
}

static void two_axes(const ir_kernel_args *args, const ir_window *w, deconv *d)
{
    const ir_tensor *x = ir_kernel_input(args, 0);
    for (int32_t a = 0; a < 2; a++) {
        const int32_t from = a - (2 - w->rank);
        const bool there = from >= 0;
        d->in[a] = there ? x->dims[2 + from] : 1;
        d->out[a] = there ? w->out[from] : 1;
        d->kernel[a] = there ? w->kernel[from] : 1;
        d->stride[a] = there ? w->strides[from] : 1;
        d->dilation[a] = there ? w->dilations[from] : 1;
        d->pad[a] = there ? w->pads_begin[from] : 0;
    }
    d->n_taps = d->kernel[0] * d->kernel[1];
    d->in_plane = d->in[0] * d->in[1];
    d->out_plane = d->out[0] * d->out[1];
}

sy_status rt_fast_convtranspose(const ir_kernel_args *args, const rt_env *env, const void *state)
{
    const ir_tensor *x = ir_kernel_input(args, 0), *w = ir_kernel_input(args, 1), *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    deconv d = {.columns = NULL};
    (void)state;
    if (x->dtype != SY_DT_F32 || w->dtype != SY_DT_F32 || x->rank < 3 || x->rank > 4 || ir_tensor_n_elements(x) == 0 ||
        ir_tensor_n_elements(w) == 0 || ir_tensor_n_elements(y) == 0) {
        return rt_run_reference(args);
    }
    SY_TRY(ir_window_transposed(args->node, x->rank - 2, x->dims + 2, w->dims + 2, args->diag, &d.win));
    two_axes(args, &d.win, &d);
    const int64_t group = ir_node_int(args->node, "group", 1), inputs = w->dims[0] / group, outputs = w->dims[1];
    const int64_t rows = outputs * d.n_taps;
    float *columns = BASE_ARENA_ARRAY(args->scratch, float, (size_t)(rows * d.in_plane));
    if (columns == NULL) {
        return SY_ENOMEM;
    }
    d.columns = columns;
    for (int64_t i = 0; i < x->dims[0] * group; i++) {
        const int64_t g = i % group;
        const rt_gemm product = {.m = rows,
                                 .n = d.in_plane,
                                 .k = inputs,
                                 .a = (const float *)w->data + g * inputs * rows,
                                 .a_row = 1,
                                 .a_k = rows,
                                 .b = (const float *)x->data + i * inputs * d.in_plane,
                                 .b_k = d.in_plane,
                                 .b_column = 1,
                                 .c = columns,
                                 .ldc = d.in_plane};
        SY_TRY(rt_product(args, env, &product, NULL));
        d.bias = b != NULL ? (const float *)b->data + g * outputs : NULL;
        d.y = (float *)y->data + i * outputs * d.out_plane;
        SY_TRY(rt_pool_run(rt_pool_for(env, (double)rows * (double)d.in_plane), outputs, plane_task, &d, env->scratch));
    }
    return SY_OK;
}
