/*
 * ref_choice.c -- Where of every type, Equal of strings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ref_internal.h"

#include "systole/graph/strings.h"

#include <string.h>

static sy_status read_strings(const ir_kernel_args *args, uint32_t i, ir_text **out)
{
    const ir_tensor *x = ir_kernel_input(args, i);
    SY_TRY(ir_ref_need(args, x, x->dtype == SY_DT_STRING));
    const sy_status status = ir_strings_read(x, args->scratch, out);
    return status == SY_OK || status == SY_ENOMEM
               ? status
               : base_fail(args->diag, status, "the strings of operand %u cannot be read", i);
}

sy_status ir_ref_equal_strings(const ir_kernel_args *args)
{
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_text *a = NULL, *b = NULL;
    ir_ref_walk walk;
    SY_TRY(read_strings(args, 0, &a));
    SY_TRY(read_strings(args, 1, &b));
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(args->inputs[0], y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(args->inputs[1], y->rank, walk.strides[1]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const ir_text *s = &a[walk.offset[0]], *t = &b[walk.offset[1]];
        const bool same = s->n_bytes == t->n_bytes &&
                          (s->n_bytes == 0 || memcmp(s->text, t->text, s->n_bytes) == 0);
        ir_ref_put_int(y, i, same);
    }
    return SY_OK;
}

static sy_status where_strings(const ir_kernel_args *args)
{
    const ir_tensor *condition = ir_kernel_input(args, 0);
    ir_tensor *y = ir_kernel_output(args, 0);
    ir_text *a = NULL, *b = NULL;
    ir_ref_walk walk;
    base_buf buf = {0};
    SY_TRY(read_strings(args, 1, &a));
    SY_TRY(read_strings(args, 2, &b));
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(condition, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(args->inputs[1], y->rank, walk.strides[1]);
    ir_ref_broadcast_strides(args->inputs[2], y->rank, walk.strides[2]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const bool yes = ((const uint8_t *)condition->data)[walk.offset[0]] != 0;
        const ir_text *t = yes ? &a[walk.offset[1]] : &b[walk.offset[2]];
        ir_strings_put(&buf, t->text, t->n_bytes);
    }
    const sy_status status = buf.failed ? SY_ENOMEM : ir_kernel_room(args, 0, buf.n_bytes);
    if (status == SY_OK && buf.n_bytes > 0) {
        memcpy(y->data, buf.data, buf.n_bytes);
    }
    base_buf_free(&buf);
    return status;
}

sy_status ir_ref_where(const ir_kernel_args *args)
{
    const ir_tensor *condition = ir_kernel_input(args, 0);
    const ir_tensor *a = ir_kernel_input(args, 1);
    const ir_tensor *b = ir_kernel_input(args, 2);
    ir_tensor *y = ir_kernel_output(args, 0);
    const size_t bytes = ir_ref_element_bytes(y->dtype);
    if (y->dtype == SY_DT_STRING) {
        return where_strings(args);
    }
    SY_TRY(ir_ref_need(args, y, bytes != 0));
    ir_ref_walk walk;
    ir_ref_walk_start(&walk, y->rank, y->dims);
    ir_ref_broadcast_strides(condition, y->rank, walk.strides[0]);
    ir_ref_broadcast_strides(a, y->rank, walk.strides[1]);
    ir_ref_broadcast_strides(b, y->rank, walk.strides[2]);
    const int64_t n = ir_tensor_n_elements(y);
    for (int64_t i = 0; i < n; i++, ir_ref_walk_next(&walk)) {
        const bool yes = ((const uint8_t *)condition->data)[walk.offset[0]] != 0;
        const char *from = yes ? (const char *)a->data + (size_t)walk.offset[1] * bytes
                               : (const char *)b->data + (size_t)walk.offset[2] * bytes;
        memcpy((char *)y->data + (size_t)i * bytes, from, bytes);
    }
    return SY_OK;
}
